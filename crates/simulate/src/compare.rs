//! One load under every policy, and under the settings that an operator considers.

use crate::engine::run;
use crate::load::Load;
use crate::policy::PolicyKind;
use crate::refusal::Bug;
use crate::report::Report;

/// Runs the load under every policy, ours last, and then ours with each of the load's variants.
///
/// # Errors
/// [`Bug`].
pub fn compare(load: &mut Load) -> Result<Vec<Report>, Bug> {
    let mut reports = Vec::new();
    for kind in PolicyKind::ALL {
        reports.push(Report::new(load, &run(load, kind)?));
    }
    for n in 0..load.variants.len() {
        swap(load, n);
        let report = run(load, PolicyKind::Reeve).map(|outcome| Report::new(load, &outcome));
        swap(load, n);
        let name = load.variants[n].0.clone();
        reports.push(Report { name, ..report? });
    }
    Ok(reports)
}

/// Puts a variant's settings in force, or takes them back.
fn swap(load: &mut Load, n: usize) {
    std::mem::swap(&mut load.settings, &mut load.variants[n].1);
}
