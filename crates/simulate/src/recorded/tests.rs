//! A recording is read as it was made, or refused with the line that is wrong.

use super::*;
use crate::{Base, Description};

const BASE: &str = include_str!("../../../../config/default.toml");
const TEXT: &str = "[run]\nseconds = 10\n[recorded]\nfile = \"x\"\nnoisy = [\"b\"]\n\
                    [[workers]]\nname = \"w\"\npools = [\"p\"]\ncount = 1\n";

fn read(recording: &[u8]) -> Result<Load, Refusal> {
    let base = Base::from_toml(BASE).unwrap();
    Load::new(&base, &Description::from_toml(TEXT).unwrap(), Some(recording))
}

#[test]
fn csv_and_json_lines_say_the_same() {
    let csv = read(b"workspace,at_ms,tier,pool,run_ms\na,5,free,p,7\nb,1,pro,p,9\n").unwrap();
    let json = "{\"at_ms\":5,\"workspace\":\"a\",\"tier\":\"free\",\"pool\":\"p\",\"run_ms\":7}\n\n\
                {\"at_ms\":1,\"workspace\":\"b\",\"tier\":\"pro\",\"pool\":\"p\",\"run_ms\":9}\n";
    let json = read(json.as_bytes()).unwrap();
    assert_eq!(csv.arrivals, json.arrivals);
    assert_eq!(csv.arrivals[0], Arrival { at_ms: 1, workspace: 1, run_ms: 9, action: 0 });
    assert_eq!((csv.workspaces[1].running_max, csv.workspaces[1].is_noisy), (8, true));
}

#[test]
fn a_packed_recording_reads_back() {
    let load = read(b"at_ms,workspace,tier,pool,run_ms,action\n5,a,free,p,7,draw\n6,b,pro,p,9,\n").unwrap();
    let again = read(&pack(&load).unwrap()).unwrap();
    assert_eq!(load.arrivals, again.arrivals);
    assert_eq!(again.actions[0].name, "draw");
    assert_eq!(pack(&load).unwrap(), pack(&again).unwrap());
}

#[test]
fn each_mistake_names_its_line_or_its_word() {
    let said = |text: &str| read(text.as_bytes()).unwrap_err().to_string();
    let head = "at_ms,workspace,tier,pool,run_ms\n";
    assert!(said("at_ms,tier\n1,free\n").contains("no column `workspace`"));
    assert!(said(&format!("{head}1,a,free,p,x\n")).contains("line 2 of the arrivals: `run_ms` is `x`"));
    assert!(said(&format!("{head}-1,a,free,p,1\n")).contains("`at_ms` is `-1`"));
    assert!(said(&format!("{head}1,a\n")).contains("fewer than the head"));
    assert!(said(&format!("{head}1,a,gold,p,1\n")).contains("tier `gold`"));
    assert!(said(&format!("{head}1,a,free,q,1\n")).contains("pool `q`"));
    assert!(said(&format!("{head}1,a b,free,p,1\n")).contains("`a b` is no name"));
    assert!(said(&format!("{head}1,a,free,p,1\n2,a,pro,p,1\n")).contains("tier `free`"));
    assert!(said("{\"at_ms\":1}\n").contains("line 1"));
}
