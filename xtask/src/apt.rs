//! Installing a package where apt is at hand, and saying what is done.

use std::io::IsTerminal;
use std::path::Path;
use std::process::Command;
use std::{env, fmt};

/// Packages that start a service when they are installed, and where it listens: nothing here needs it.
const SERVICES: &[(&str, &str)] = &[("nginx", "port 80"), ("redis-server", "127.0.0.1:6379")];

/// What must be there, a program or a folder; the package that has it; what is left out without it.
pub(crate) type Needed = (&'static str, &'static str, &'static str);

/// Why a package is not installed.
pub(crate) enum NotInstalled {
    NoApt,
    NoRoot,
    /// apt was asked and failed.
    Refused(String),
}

/// Installs what is missing; whether all of it is there in the end. Says everything it does.
pub(crate) fn install_all(needed: &[Needed]) -> bool {
    let mut whole = true;
    for (what, package, left_out) in needed {
        if is_there(what) {
            println!("{what} is there");
            continue;
        }
        println!("{what} is missing; {left_out} need it.");
        let why = match install(package) {
            Ok(()) if is_there(what) => continue,
            Ok(()) => format!("`{package}` is installed, and {what} is not there"),
            Err(why) => why.to_string(),
        };
        println!("{why}.\nLeft out: {left_out}.");
        whole = false;
    }
    whole
}

/// Installs a package; says each command, and before it what else will run then.
pub(crate) fn install(package: &str) -> Result<(), NotInstalled> {
    if !has("apt-get") {
        return Err(NotInstalled::NoApt);
    }
    if let Some((_, place)) = SERVICES.iter().find(|(of, _)| *of == package) {
        println!(
            "  Where systemd runs, `{package}` starts its service, which listens on {place}. Nothing here needs that: \
             `systemctl disable --now {package}` ends it."
        );
    }
    let install = ["install", "-y", "--no-install-recommends", package];
    for arguments in [&["update"][..], &install] {
        let Some(mut command) = apt_get(arguments) else {
            return Err(NotInstalled::NoRoot);
        };
        println!("  {}", line(&command));
        match command.status() {
            Ok(status) if status.success() => {}
            // What is known of the packages may be enough.
            _ if arguments == ["update"] => {
                println!("  (this failed; going on with what is known)")
            }
            _ => return Err(NotInstalled::Refused(package.to_owned())),
        }
    }
    Ok(())
}

/// Whether there is such a program on the path.
pub(crate) fn has(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| Path::new(&folder).join(program).is_file())
}

fn is_there(what: &str) -> bool {
    match what.starts_with('/') {
        true => Path::new(what).is_dir(),
        // Programs for administrators are not on everybody's path.
        false => has(what) || Path::new("/usr/sbin").join(what).is_file(),
    }
}

/// `apt-get`, by `sudo` unless this is root. Where nobody can be asked for a password, `sudo` does not wait for one.
fn apt_get(arguments: &[&str]) -> Option<Command> {
    let mut command = if is_root() {
        Command::new("apt-get")
    } else if has("sudo") {
        let mut sudo = Command::new("sudo");
        if !std::io::stdin().is_terminal() {
            sudo.arg("-n");
        }
        sudo.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        sudo
    } else {
        return None;
    };
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command.args(["-q"]).args(arguments);
    Some(command)
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

fn line(command: &Command) -> String {
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

impl fmt::Display for NotInstalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotInstalled::NoApt => f.write_str("this machine has no apt-get"),
            NotInstalled::NoRoot => f.write_str("installing asks for root, and there is no sudo"),
            NotInstalled::Refused(package) => write!(f, "`{package}` could not be installed"),
        }
    }
}
