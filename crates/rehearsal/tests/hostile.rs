//! Examples that nobody would write, and ordinary examples of catalogs that nobody would write: a file is refused with
//! a reason, or every example runs to an answer in time, and no answer is a bug of ours.
//!
//! `REEVE_FUZZ_CASES` makes the run longer, `REEVE_FUZZ_SEED` another one; a failure prints the text.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../credits/tests/hostile/bend.rs"]
mod bend;

use bend::{Dice, Shown, bent, cases, shipped};
use reeve_rehearsal::{Draft, Examples, run_examples};

/// A catalog with its examples, one text for each.
struct Product {
    text: String,
    draft: Draft,
    /// What stands above the examples.
    head: String,
    examples: Vec<String>,
}

fn products() -> Vec<Product> {
    let product = |((file, text), (_, examples)): ((String, String), (String, String))| {
        let mut parts = examples.split("[[example]]");
        let head = parts.next().unwrap().to_owned();
        let examples = parts.map(|part| format!("[[example]]{part}")).collect();
        Product { draft: Draft::parse(&file, &text).unwrap(), text, head, examples }
    };
    shipped("").into_iter().zip(shipped("examples")).map(product).collect()
}

/// Runs them; was there any that could be read?
fn judged((draft, text): (&Draft, &str), shown: &Shown<'_>) -> bool {
    let parsed = Examples::parse("bent.toml", text);
    match &parsed {
        Ok(examples) => {
            for result in run_examples(draft, examples) {
                let difference = result.difference.unwrap_or_default();
                assert!(!difference.contains("a bug of ours"), "{}: {difference}", result.title);
            }
        }
        Err(error) => {
            assert!(error.findings.iter().all(|finding| !finding.reason.trim().is_empty()), "{error:?}");
            assert!(!error.findings.is_empty());
        }
    }
    shown.was_quick();
    parsed.is_ok()
}

#[test]
fn a_bent_example_is_refused_with_a_reason_or_runs_to_an_answer() {
    let (mut dice, products) = (Dice::seeded(), products());
    let (all, mut read) = (cases(600), 0);
    for case in 0..all {
        let product = &products[dice.below(products.len())];
        let example = &product.examples[dice.below(product.examples.len())];
        let text = format!("{}{}", product.head, bent(example, &mut dice));
        read += u32::from(judged((&product.draft, &text), &Shown::new(case, &text)));
    }
    println!("{read} of {all} could be read");
    assert!(read > 0 && read < all, "the examples were bent too much, or not at all");
}

#[test]
fn ordinary_examples_run_to_an_answer_whatever_catalog_was_accepted() {
    let (mut dice, products) = (Dice::seeded(), products());
    let (all, mut accepted) = (cases(500), 0);
    for case in 0..all {
        let product = &products[dice.below(products.len())];
        let text = bent(&product.text, &mut dice);
        let shown = Shown::new(case, &text);
        let Ok(draft) = Draft::parse("bent.toml", &text) else { continue };
        accepted += 1;
        for _ in 0..3 {
            let example = &product.examples[dice.below(product.examples.len())];
            let examples = format!("{}{example}", product.head);
            let shown = Shown::new(case, &examples);
            judged((&draft, &examples), &shown);
        }
        shown.was_quick();
    }
    println!("{accepted} of {all} accepted");
    assert!(accepted > 0 && accepted < all, "the catalogs were bent too much, or not at all");
}

#[test]
fn an_example_that_never_ends_is_told_so() {
    for product in products() {
        for when in ["{ advance = { by = \"99999999d\" } }", "{ at = \"9999-12-31T00:00:00Z\" }"] {
            let text = format!(
                "catalog = \"{}\"\n[[example]]\nrule = \"x\"\ntitle = \"x\"\nwhen = [{when}]\nthen = {{ held = 0 }}",
                product.draft.catalog().name
            );
            let shown = Shown::new(0, &text);
            let examples = Examples::parse("endless.toml", &text).unwrap();
            let told = run_examples(&product.draft, &examples).remove(0).difference.unwrap();
            assert!(told.contains("years after the start"), "{told}");
            shown.was_quick();
        }
    }
}

#[test]
fn years_of_every_catalog_pass_in_time() {
    for product in products() {
        let text = format!(
            "catalog = \"{}\"\n[[example]]\nrule = \"x\"\ntitle = \"x\"\nwhen = [{{ advance = {{ by = \"3650d\" }} }}]\nthen = {{ held = 0 }}",
            product.draft.catalog().name
        );
        let shown = Shown::new(0, &text);
        assert!(judged((&product.draft, &text), &shown));
        println!("{}: {:?}", product.draft.catalog().name, shown.was_quick());
    }
}

#[test]
fn tables_in_tables_are_refused_or_read_and_put_away_again() {
    let inline = (0..79).fold("1".to_owned(), |value, _| format!("{{ {}a = {value} }}", "a.".repeat(78)));
    let product = &products()[0];
    let name = &product.draft.catalog().name;
    for example in [
        format!("given = {{ catalog = {inline} }}\nwhen = [{{ advance = {{ by = \"1d\" }} }}]"),
        format!("when = [{{ quote = {{ action = \"x\", params = {inline} }} }}]"),
        format!(
            "when = [{{ quote = {{ action = \"x\", params = {{ x = {}1{} }} }} }}]",
            "[".repeat(70),
            "]".repeat(70)
        ),
        format!("when = {inline}"),
        format!("given = {{ catalog = 'x = {inline}' }}\nwhen = [{{ advance = {{ by = \"1d\" }} }}]"),
    ] {
        let text = format!("catalog = \"{name}\"\n[[example]]\nrule = \"x\"\ntitle = \"x\"\n{example}");
        judged((&product.draft, &text), &Shown::new(0, &text));
    }
}
