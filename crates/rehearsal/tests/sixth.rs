//! A catalog that nobody shipped: whoever writes one gets examples, the other reading of a rule, scripts and what-if.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use reeve_rehearsal::{Draft, Examples, Script, play, run_examples};

const CATALOG: &str = r#"
name = "sixth"
version = 1
default_plan = "solo"

[plan.solo]
rank = 1
tier = "free"
paid = false
allotments = [10]
intervals = ["month"]

[plan.crew]
rank = 2
tier = "standard"
paid = true
allotments = [100]

[source.plan]
class = "plan"
amount = "allotment"
every = "month"
until = "never"

[[carry]]
at = "renewal"
sources = ["plan"]
keep = "max"
max = { credits = 15 }

[change.upgrade]
when = "now"
grant = "full"
[change.downgrade]
when = "period_end"
[change.cancel]
when = "period_end"

[charge]
show = "reserved"
settle_on = "each_output"
outcome = { success = "charge", failed = "release", filtered = "release", cancelled = "release", timeout = "release", unknown = "release" }

[action."sound.make"]
pool = "sound"
price = { rate = 2 }
"#;

const EXAMPLES: &str = r#"
catalog = "sixth"

[[example]]
rule = "S-1"
title = "what is left is carried up to 15"
given = { at = "2026-01-31T00:00:00Z" }
when = [
    { settle = { action = "sound.make" }, expect = { available = 8 } },
    { at = "2026-02-28T00:00:00Z", expect = { available = 18 } },
    { at = "2026-03-31T00:00:00Z" },
]
then = { available = 25 }

[[example]]
rule = "S-1"
title = "the other reading"
given = { at = "2026-01-31T00:00:00Z", catalog = { carry = { renewal = { cap_on = "balance" } } } }
when = [{ at = "2026-03-31T00:00:00Z" }]
then = { available = 15 }

[[example]]
rule = "S-2"
title = "what is not there is refused"
when = [{ submit = { action = "sound.make", params = { outputs = 6 } } }]
then = { refused = "insufficient_credits", missing = 2 }
"#;

fn draft() -> Draft {
    Draft::parse("sixth.toml", CATALOG).unwrap()
}

fn differences(examples: &str) -> Vec<String> {
    let examples = Examples::parse("examples/sixth.toml", examples).unwrap();
    run_examples(&draft(), &examples).into_iter().filter_map(|result| result.difference).collect()
}

#[test]
fn its_examples_come_out() {
    assert_eq!(differences(EXAMPLES), Vec::<String>::new());
}

#[test]
fn a_difference_names_the_step_and_both_values() {
    let told = differences(&EXAMPLES.replace("expect = { available = 18 }", "expect = { available = 19 }"));
    assert_eq!(told, ["step 2 (expect at 2026-02-28T00:00:00.000Z): available: expected 19, found 18"]);
    let told = differences(&EXAMPLES.replace("refused = \"insufficient_credits\", missing = 2", "held = 12"));
    assert!(told[0].contains("was refused: insufficient_credits"), "{told:?}");
}

#[test]
fn mistakes_of_the_file_are_told_with_their_place() {
    for (what, with, place) in [
        ("then = { available = 25 }", "then = { avaliable = 25 }", "example[0].then.avaliable"),
        ("settle = { action", "settel = { action", "example[0].when[0]"),
        ("at = \"2026-02-28T00:00:00Z\"", "at = \"February\"", "example[0].when[1]"),
        ("rule = \"S-2\"", "rulle = \"S-2\"", "example[2].rulle"),
    ] {
        let error = Examples::parse("sixth", &EXAMPLES.replace(what, with)).unwrap_err().to_string();
        assert!(error.contains(place), "{error}");
    }
}

#[test]
fn steps_that_cannot_be_done_are_told() {
    for (steps, told) in [
        ("{ at = \"2020-01-01T00:00:00Z\", expect = { held = 0 } }", "does not go back"),
        ("{ complete = {} }", "no job was submitted"),
        ("{ in = \"other\", trial = {} }", "was refused: not_found"),
        ("{ publish = { carry = { cancel = { keep = \"none\" } } } }", "no such entry"),
    ] {
        let text = format!(
            "catalog = \"sixth\"\n[[example]]\nrule = \"S\"\ntitle = \"t\"\nwhen = [{steps}]\nthen = {{ debt = 0 }}\n"
        );
        let found = differences(&text);
        assert!(found[0].contains(told), "{found:?}");
    }
}

#[test]
fn a_script_plays_with_every_boundary_at_its_own_instant() {
    let text = "title = \"t\"\ngiven = { at = \"2026-01-31T00:00:00Z\" }\nwhen = [{ at = \"2026-04-30T00:00:00Z\", settle = { action = \"sound.make\" } }]\n";
    let story = play(&draft(), &Script::parse("s", text).unwrap()).unwrap();
    let instants: Vec<String> = story.happenings.iter().map(|line| line.at.to_string()).collect();
    assert!(instants.windows(2).all(|pair| pair[0] <= pair[1]), "{instants:?}");
    let months: Vec<&str> = instants.iter().map(|at| &at[..10]).collect();
    for date in ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"] {
        assert!(months.contains(&date), "{months:?}");
    }
    assert_eq!(story.happenings.last().unwrap().available.to_string(), "23");
}
