//! What somebody may have meant by a name that is none: the one measure of nearness in the whole program.
//!
//! Used wherever a name is refused: by the core for plans, actions, packs and the like, by the API for fields, by the
//! command line for settings and variables. It only ever looks at the names that it is given, so whoever asks decides
//! what may be told: ids of other workspaces are never among them.

use std::borrow::Cow;

/// Longer words are no slips of the pen, and comparing them costs the product of both lengths.
const CHARS_MAX: usize = 64;
/// No more names are looked at: whoever has more of them wrote them for a machine.
const KNOWN_MAX: usize = 1_000;
/// Of so many characters one may be wrong.
const CHARS_PER_SLIP: usize = 3;
/// Shorter beginnings say too little of what was meant.
const PREFIX_CHARS_MIN: usize = 3;

/// The known name that is nearest to `word`, if one is near: a slip in each three characters, or the only one that
/// begins with it. Capitals and the signs `-`, `_`, `.` and blank count as the same. The first of equally near ones.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let chars = word.chars().count();
    if chars == 0 || chars > CHARS_MAX {
        return None;
    }
    let plain = folded(word);
    let slips_max = (chars / CHARS_PER_SLIP).max(1);
    let mut best: Option<(usize, &str)> = None;
    let (mut begun, mut begins) = (None, 0_usize);
    for name in
        known.into_iter().take(KNOWN_MAX).filter(|name| name.chars().count() <= CHARS_MAX && *name != word)
    {
        let other = folded(name);
        if chars >= PREFIX_CHARS_MIN && other.starts_with(&*plain) {
            (begun, begins) = (Some(name), begins + 1);
        }
        let slips = strsim::osa_distance(&plain, &other);
        // As many slips as characters is another word.
        if slips <= slips_max && slips < chars && best.is_none_or(|(least, _)| slips < least) {
            best = Some((slips, name));
        }
    }
    best.map(|(_, name)| name).or(begun.filter(|_| begins == 1))
}

/// The end of a sentence that refuses `word`: "; did you mean `x`?", or nothing when no known name is near.
pub fn did_you_mean<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    nearest(word, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

/// The same for a message of serde that lists what it expected: "unknown field `x`, expected one of `a`, `b`".
pub fn did_you_mean_of(message: &str) -> String {
    if !["unknown field ", "unknown variant "].iter().any(|head| message.starts_with(head)) {
        return String::new();
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let Some(word) = quoted.next() else { return String::new() };
    did_you_mean(word, quoted)
}

/// Without what people mix up.
fn folded(name: &str) -> Cow<'_, str> {
    let plain = |c: char| !c.is_uppercase() && !matches!(c, '_' | '.' | ' ');
    if name.chars().all(plain) {
        return Cow::Borrowed(name);
    }
    let fold = |c: char| if matches!(c, '_' | '.' | ' ') { '-' } else { c };
    Cow::Owned(name.to_lowercase().chars().map(fold).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLANS: [&str; 5] = ["free", "basic", "pro", "enterprise", "image.generate"];

    #[test]
    fn a_slip_of_the_pen_is_understood_and_another_word_is_not() {
        let near = |word: &str| nearest(word, PLANS);
        assert_eq!(near("entreprise"), Some("enterprise"));
        assert_eq!(near("prp"), Some("pro"));
        assert_eq!(near("image.genrate"), Some("image.generate"));
        assert_eq!(near("IMAGE_GENERATE"), Some("image.generate"));
        assert_eq!(near("image.gen"), Some("image.generate"), "the only one that begins so");
        for other in ["", "p", "team", "premium", "video.generate", "magic"] {
            assert_eq!(near(other), None, "{other}");
        }
    }

    #[test]
    fn a_beginning_of_two_names_means_neither() {
        assert_eq!(nearest("image", ["image.edit", "image.generate"]), None);
        assert_eq!(nearest("image.e", ["image.edit", "image.generate"]), Some("image.edit"));
    }

    #[test]
    fn the_nearest_wins_and_the_first_of_equals() {
        assert_eq!(nearest("lots", ["posts", "lot", "pots"]), Some("lot"));
        assert_eq!(did_you_mean("lotz", ["a", "lots"]), "; did you mean `lots`?");
        assert_eq!(did_you_mean("lotz", ["a", "b"]), "");
    }

    #[test]
    fn what_serde_expected_is_read_from_its_message() {
        let message = "unknown field `metdata`, expected one of `metadata`, `name`";
        assert_eq!(did_you_mean_of(message), "; did you mean `metadata`?");
        assert_eq!(
            did_you_mean_of("unknown variant `yeer`, expected `month` or `year`"),
            "; did you mean `year`?"
        );
        for other in [
            "invalid type: `name`, expected `nam`",
            "unknown field",
            "unknown field `x`, there are no fields",
        ] {
            assert_eq!(did_you_mean_of(other), "", "{other}");
        }
    }

    proptest! {
        #[test]
        fn what_is_told_is_known_and_never_the_word_itself(
            word in "\\PC{0,80}", known in prop::collection::vec("\\PC{0,80}", 0..8)
        ) {
            if let Some(near) = nearest(&word, known.iter().map(String::as_str)) {
                prop_assert!(near != word && known.iter().any(|name| name == near));
            }
        }

        #[test]
        fn one_slip_in_a_long_name_is_always_found(name in "[a-z]{6,20}", at in 0_usize..6) {
            let mut slip: Vec<char> = name.chars().collect();
            slip.remove(at);
            let slip: String = slip.into_iter().collect();
            prop_assert_eq!(nearest(&slip, [&*name]), Some(&*name));
        }
    }
}
