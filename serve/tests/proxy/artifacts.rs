//! Artifacts in place of rules, and who has signed them.

use std::fs;

use tollgate::{Engine, Reloaded, sign_artifact, signing_key};
use tollgate_serve::Settings;

use crate::support::{Folder, HEAD, Proxy};

// `openssl genpkey -algorithm ed25519`, and `openssl pkey -pubout` of it.
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
";
const TRUST: &str = "trust = [\"public.pem\"]\nkeep = 10\n";

fn artifact(status: u16) -> Vec<u8> {
    let rules = format!(
        "{HEAD}ruleset edge(req: Request) -> Route hit first {{ otherwise respond({status}) }}"
    );
    let program = Engine::new().compile_source("gateway.rules", &rules);
    program.unwrap().artifact().unwrap()
}

fn signed(status: u16) -> Vec<u8> {
    sign_artifact(&artifact(status), &signing_key(PRIVATE).unwrap()).unwrap()
}

/// As it is, by another key, changed after it was signed, and no artifact at all; and what is said of each.
fn bad() -> [(Vec<u8>, &'static str); 4] {
    let other = sign_artifact(&artifact(500), &[7; 32]).unwrap();
    let mut changed = signed(500);
    let (end, sign) = (changed.len(), 64);
    changed[end - sign] ^= 1;
    let rules =
        format!("{HEAD}ruleset edge(req: Request) -> Route hit first {{ otherwise respond(500) }}");
    [
        (artifact(500), "the artifact is not signed"),
        (
            other,
            "signed by a key that is not among those that are trusted",
        ),
        (changed, "its signature is wrong"),
        (rules.into_bytes(), "this is no artifact"),
    ]
}

fn folder(artifact: &[u8]) -> Folder {
    let folder = Folder::new();
    fs::write(folder.0.join("public.pem"), PUBLIC).unwrap();
    fs::write(folder.0.join("gateway.tgb"), artifact).unwrap();
    folder
}

#[tokio::test]
async fn only_what_a_trusted_key_has_signed_decides() {
    let proxy = Proxy::serve(folder(&signed(201)), "gateway.tgb", TRUST)
        .await
        .unwrap();
    assert_eq!(proxy.get("/").await.status, 201);
    let reload = async |artifact: Vec<u8>| {
        fs::write(proxy.folder.0.join("gateway.tgb"), artifact).unwrap();
        let control = proxy.control.clone();
        tokio::task::spawn_blocking(move || control.reload())
            .await
            .unwrap()
    };
    for (artifact, said) in bad() {
        let error = reload(artifact).await.unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        assert_eq!(
            proxy.get("/").await.status,
            201,
            "the last good one goes on"
        );
        let told = proxy.told.lock().unwrap();
        let last = told.last().unwrap();
        assert!(
            last.contains("the rules stay as they were") && last.contains(said),
            "{last}"
        );
    }
    assert_eq!(reload(signed(202)).await.unwrap(), Reloaded::Replaced);
    assert_eq!(proxy.get("/").await.status, 202);
}

#[tokio::test]
async fn what_nobody_trusted_has_signed_is_not_begun_with() {
    for (artifact, said) in bad() {
        let begun = Proxy::serve(folder(&artifact), "gateway.tgb", TRUST).await;
        let error = begun.err().unwrap().to_string();
        assert!(error.contains(said), "{error}");
    }
    let trust = "trust = [\"none.pem\"]\n";
    let begun = Proxy::serve(folder(&signed(201)), "gateway.tgb", trust).await;
    let error = begun.err().unwrap().to_string();
    assert!(error.contains("none.pem"), "{error}");
    // Without `trust` any artifact will do, as any rules will.
    let proxy = Proxy::serve(folder(&artifact(203)), "gateway.tgb", "keep = 1\n").await;
    assert_eq!(proxy.unwrap().get("/").await.status, 203);
}

#[tokio::test]
async fn an_artifact_has_no_source_to_explain_by() {
    let proxy = Proxy::serve(folder(&signed(201)), "gateway.tgb", TRUST)
        .await
        .unwrap();
    proxy.get("/").await;
    let (status, said) = crate::explain::why_not(&proxy, 0, "").await;
    assert_eq!(status, 400);
    assert!(
        said.contains("was loaded from an artifact, which has no source to explain"),
        "{said}"
    );
}

/// What is named is what is served, or it is said.
#[test]
fn settings_are_found_by_their_artifact() {
    let folder = folder(&[]);
    let (settings, artifact) = (folder.0.join("gateway.toml"), folder.0.join("gateway.tgb"));
    let least = "entry = \"edge\"\nlisten = [\"127.0.0.1:0\"]\n";
    fs::write(&settings, least).unwrap();
    assert_eq!(Settings::open(&artifact).unwrap().rules, artifact);
    assert_eq!(
        Settings::open(&folder.rules()).unwrap().rules,
        folder.rules()
    );
    assert_eq!(Settings::open(&settings).unwrap().rules, folder.rules());
    fs::write(
        &settings,
        format!("rules = \"gateway.tgb\"\ntrust = [\"a.pem\"]\n{least}"),
    )
    .unwrap();
    let read = Settings::open(&artifact).unwrap();
    assert_eq!(
        (read.rules, &read.trust[..]),
        (artifact, &[folder.0.join("a.pem")][..])
    );
    let error = Settings::open(&folder.rules()).unwrap_err().to_string();
    assert!(
        error.contains("gateway.tgb, and ") && error.contains("gateway.rules is to be served"),
        "{error}"
    );
}
