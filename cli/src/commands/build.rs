//! `tollgate build`

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use ar_archive_writer::{
    ArchiveKind, DEFAULT_OBJECT_READER, NewArchiveMember, write_archive_to_stream,
};
use tollgate::{BuildOptions, Engine, Level, sign_artifact, signing_key};

use super::{Outcome, Result, explain_failure, show};
use crate::args::Build;

/// What is made, by how the output's name ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Artifact,
    Object,
    Archive,
    Shared,
}

pub(crate) fn run(args: &Build) -> Result<Outcome> {
    let output = &args.output;
    let kind = match output.extension().and_then(|e| e.to_str()) {
        Some("tgb") => Kind::Artifact,
        Some("o") => Kind::Object,
        Some("a") => Kind::Archive,
        Some("so") => Kind::Shared,
        _ => {
            return Err(format!(
                "`{}` is to be an artifact (.tgb), an object file (.o), a static library (.a) or a shared one (.so): its name has to end so",
                output.display()
            )
            .into());
        }
    };
    let level = match args.level {
        0 => Level::O0,
        1 => Level::O1,
        _ => Level::O2,
    };
    if kind == Kind::Artifact {
        let of_code = [
            ("header", args.header.is_some()),
            ("name", args.name.is_some()),
            ("target", args.target.is_some()),
            ("cpu", args.cpu.is_some()),
            ("profile", !args.profile.is_empty()),
        ];
        if let Some((option, _)) = of_code.iter().find(|(_, given)| *given) {
            return Err(format!(
                "`--{option}` is for machine code (.o, .a or .so): an artifact (.tgb) has none"
            )
            .into());
        }
        return artifact(args, level);
    }
    if args.sign.is_some() {
        return Err("only an artifact (.tgb) can be signed".into());
    }
    let mut profile = Vec::new();
    for (name, file) in &args.profile {
        let decisions = fs::read_to_string(file);
        let decisions = decisions.map_err(|e| format!("cannot read {}: {e}", file.display()))?;
        profile.push((name.clone(), decisions));
    }
    let options = BuildOptions {
        profile,
        name: args.name.clone(),
        target: args.target.clone(),
        cpu: args.cpu.clone(),
    };
    let engine = Engine::new().backend(&args.backend)?.level(level);
    let built = match engine.build_file(&args.file, &options) {
        Ok(built) => built,
        Err(error) => return explain_failure(error),
    };
    show(&built.report);
    let header = args
        .header
        .clone()
        .unwrap_or_else(|| output.with_extension("h"));
    match kind {
        Kind::Artifact | Kind::Object => write(output, &built.object)?,
        Kind::Archive => archive(output, &built.object)?,
        Kind::Shared => shared(output, &built.object)?,
    }
    write(&header, built.header.as_bytes())?;
    Ok(Outcome::Clean)
}

/// The program as bytes that any engine loads.
fn artifact(args: &Build, level: Level) -> Result<Outcome> {
    let program = match Engine::new().level(level).compile_file(&args.file) {
        Ok(program) => program,
        Err(error) => return explain_failure(error),
    };
    show(program.report());
    let mut artifact = program.artifact()?;
    if let Some(file) = &args.sign {
        let pem = fs::read_to_string(file);
        let pem = pem.map_err(|e| format!("cannot read {}: {e}", file.display()))?;
        let key = signing_key(&pem).map_err(|e| format!("{}: {e}", file.display()))?;
        artifact = sign_artifact(&artifact, &key)?;
    }
    write(&args.output, &artifact)?;
    Ok(Outcome::Clean)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).map_err(|e| format!("cannot write {}: {e}", path.display()).into())
}

/// A static library of one object, with the index that linkers ask for.
fn archive(path: &Path, object: &[u8]) -> Result<()> {
    let failed = |e: std::io::Error| format!("cannot write {}: {e}", path.display());
    let name = path.with_extension("o");
    let name = name.file_name().unwrap_or_default().to_string_lossy();
    let member = NewArchiveMember::new(object, &DEFAULT_OBJECT_READER, name.into_owned());
    let mut file = BufWriter::new(File::create(path).map_err(failed)?);
    // Plain, and not thin: the object stands in it.
    write_archive_to_stream(&mut file, &[member], ArchiveKind::Gnu, false, None).map_err(failed)?;
    Ok(file.flush().map_err(failed)?)
}

/// A shared library, linked by the C compiler.
fn shared(path: &Path, object: &[u8]) -> Result<()> {
    let linker = std::env::var_os("CC").unwrap_or_else(|| OsString::from("cc"));
    let from = beside(path, "o");
    write(&from, object)?;
    let linked = Command::new(&linker)
        .args(["-shared", "-o"])
        .args([path, &from])
        .output();
    // What goes wrong with a file that was only on the way is of no interest.
    let _ = fs::remove_file(&from);
    let shown = linker.to_string_lossy();
    let linked = linked.map_err(|e| {
        format!("`{shown}`, which links shared libraries, cannot be run: {e}; build an object file (.o), or name a C compiler in CC")
    })?;
    match linked.status.success() {
        true => Ok(()),
        false => Err(format!(
            "`{shown}` does not link {}: {}",
            path.display(),
            String::from_utf8_lossy(&linked.stderr).trim()
        )
        .into()),
    }
}

/// A file that is not there yet, beside another one.
fn beside(path: &Path, extension: &str) -> PathBuf {
    path.with_extension(format!("{}.{extension}", std::process::id()))
}
