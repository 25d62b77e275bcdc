//! What shells and man make of the program.

use std::process::Command;

use crate::fixture::reeve;

/// What bash offers for a line that is being typed.
fn offered(line: &str) -> Vec<String> {
    let script = r#"
        source <("$1" completions bash) || exit 9
        COMP_LINE=$2 COMP_POINT=${#2}
        read -ra COMP_WORDS <<< "$2"
        [[ $2 == *" " ]] && COMP_WORDS+=("")
        COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
        _reeve reeve "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let output = Command::new("bash").args(["-c", script, "bash"]).arg(reeve()).arg(line).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    assert_eq!(offered("reeve wor"), ["worker", "workspace"]);
    assert!(offered("reeve catalog ").contains(&"publish".to_owned()));
    assert!(offered("reeve doctor --wor").contains(&"--worker-minutes".to_owned()));
    assert_eq!(offered("reeve serve --clock m"), ["manual"]);
}

#[test]
fn there_is_a_page_of_the_manual_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new(reeve()).args(["man", "--dir"]).arg(folder.path()).output().unwrap();
    assert_eq!(made.status.code(), Some(0));
    for page in ["reeve.1", "reeve-doctor.1", "reeve-catalog-publish.1"] {
        let text = std::fs::read_to_string(folder.path().join(page)).unwrap();
        assert!(text.contains(".TH") && text.contains(".SH NAME"), "{page}: {text}");
    }
    let first = std::fs::read_to_string(folder.path().join("reeve.1")).unwrap();
    assert!(first.contains("doctor") && first.contains("Exit codes"), "{first}");
}
