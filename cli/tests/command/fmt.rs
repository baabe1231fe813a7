//! `tollgate fmt`.

use super::Folder;

const UGLY: &str = "const limit=2*base # of the old plan\n";
const NEAT: &str = "const limit = 2 * base  # of the old plan\n";
const BROKEN: &str = "const limit = 2 *\nrule\n";

#[test]
fn files_and_folders_are_laid_out_and_only_those_that_need_it() {
    let folder = Folder::new("fmt-write")
        .with("ugly.rules", UGLY)
        .with("neat.rules", NEAT)
        .with("notes.txt", UGLY);
    std::fs::create_dir_all(folder.path().join("deep/.hidden")).unwrap();
    std::fs::write(folder.path().join("deep/ugly.rules"), UGLY).unwrap();
    std::fs::write(folder.path().join("deep/.hidden/ugly.rules"), UGLY).unwrap();
    let modified = |name: &str| {
        let metadata = std::fs::metadata(folder.path().join(name)).unwrap();
        metadata.modified().unwrap()
    };
    let before = modified("neat.rules");
    let ended = folder.tollgate(&["fmt", "."]).exits(0);
    assert_eq!(
        (ended.out.as_str(), ended.err.as_str()),
        ("", "3 files: 2 changed, 0 with mistakes\n")
    );
    assert_eq!(folder.read("ugly.rules"), NEAT);
    assert_eq!(folder.read("deep/ugly.rules"), NEAT);
    assert_eq!(folder.read("deep/.hidden/ugly.rules"), UGLY);
    assert_eq!(folder.read("notes.txt"), UGLY);
    assert_eq!(modified("neat.rules"), before);
    folder
        .tollgate(&["fmt", "ugly.rules", "neat.rules"])
        .exits(0)
        .says("2 files: 0 changed, 0 with mistakes");
}

#[test]
fn a_check_writes_nothing_and_shows_a_patch() {
    let folder = Folder::new("fmt-check")
        .with("ugly.rules", UGLY)
        .with("neat.rules", NEAT);
    let ended = folder
        .tollgate(&["fmt", "--check", "neat.rules", "ugly.rules"])
        .exits(1);
    assert_eq!(
        ended.out,
        "--- ugly.rules\n+++ ugly.rules\n@@ -1 +1 @@\n\
         -const limit=2*base # of the old plan\n+const limit = 2 * base  # of the old plan\n"
    );
    ended
        .says("ugly.rules is laid out otherwise\n")
        .says("2 files: 1 to be changed, 0 with mistakes");
    assert_eq!(folder.read("ugly.rules"), UGLY);
    folder
        .tollgate(&["fmt", "--check", "neat.rules"])
        .exits(0)
        .prints_lines(&[]);
}

#[test]
fn mistakes_are_shown_as_by_check_and_the_file_is_left_alone() {
    let folder = Folder::new("fmt-mistakes")
        .with("broken.rules", BROKEN)
        .with("ugly.rules", UGLY);
    let ended = folder.tollgate(&["fmt", "."]).exits(1);
    let checked = folder
        .tollgate(&["check", "broken.rules"])
        .exits(1)
        .says("error[");
    let drawn = checked
        .err
        .lines()
        .take_while(|line| !line.contains("1 file:"));
    for line in drawn {
        assert!(
            ended
                .err
                .contains(&line.replace("broken.rules", "./broken.rules")),
            "{line}\n{ended:#?}"
        );
    }
    ended.says("2 files: 1 changed, 1 with mistakes");
    assert_eq!(folder.read("broken.rules"), BROKEN);
    assert_eq!(folder.read("ugly.rules"), NEAT);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let folder = Folder::new("fmt-stdin");
    let ended = folder
        .tollgate_with(&["fmt", "-"], UGLY.as_bytes())
        .exits(0);
    assert_eq!(ended.out, NEAT);
    folder
        .tollgate_with(&["fmt", "--check", "-"], UGLY.as_bytes())
        .exits(1)
        .prints("+const limit = 2 * base");
    folder
        .tollgate_with(&["fmt", "-"], BROKEN.as_bytes())
        .exits(1)
        .prints_lines(&[])
        .says("<stdin>:");
    folder
        .tollgate_with(&["fmt", "-"], b"\xff")
        .exits(2)
        .says("UTF-8");
}

#[test]
fn what_cannot_be_read_does_not_stop_the_others() {
    let folder = Folder::new("fmt-unreadable")
        .with("bytes.rules", b"\xff")
        .with("ugly.rules", UGLY);
    folder
        .tollgate(&["fmt", "missing.rules", "bytes.rules", "ugly.rules"])
        .exits(2)
        .says("cannot read missing.rules")
        .says("cannot read bytes.rules: it is not valid UTF-8");
    assert_eq!(folder.read("ugly.rules"), NEAT);
    std::fs::create_dir_all(folder.path().join("empty")).unwrap();
    folder
        .tollgate(&["fmt", "empty"])
        .exits(2)
        .says("there is no .rules file in empty");
    folder.tollgate(&["fmt"]).exits(2);
}
