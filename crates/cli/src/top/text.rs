//! Figures, bars and sparklines as texts of a known width. Pure.

/// What stands where nothing is known.
pub const NONE: &str = "–";
/// Heights of one cell of a sparkline.
const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A span of time in at most six columns: `0.4 s`, `59 s`, `12m05`, `3h07`, `12 d`.
pub fn span(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    let whole = seconds as u64;
    match whole {
        0..=9 if seconds < 9.95 => format!("{seconds:.1} s"),
        0..=99 => format!("{seconds:.0} s"),
        100..=5_999 => format!("{}m{:02}", whole / 60, whole % 60),
        6_000..=359_999 => format!("{}h{:02}", whole / 3_600, whole / 60 % 60),
        _ => format!("{} d", whole / 86_400),
    }
}

/// A span of time that may not be known.
pub fn span_or_none(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| NONE.to_owned(), span)
}

/// A count in at most six columns: `99999`, `123 k`, `4.2 M`.
pub fn count(n: u64) -> String {
    match n {
        0..=99_999 => n.to_string(),
        100_000..=999_999 => format!("{} k", n / 1_000),
        // Cut, not rounded: a figure may be short of the truth by a digit, never ahead of it.
        1_000_000..=99_999_999 => format!("{}.{} M", n / 1_000_000, n / 100_000 % 10),
        _ => format!("{} M", n / 1_000_000),
    }
}

/// A part of a whole, 0 to 1.
pub fn percent(part: f64) -> String {
    format!("{:.0} %", part.clamp(0.0, 1.0) * 100.0)
}

/// The filled and the empty half of a bar that is `width` columns wide.
pub fn bar(part: f64, width: usize) -> (String, String) {
    let full = (part.clamp(0.0, 1.0) * width as f64).round() as usize;
    // Only nothing is shown as nothing, and only all of it as all.
    let full = match full {
        0 if part > 0.0 && width > 1 => 1,
        full if full == width && part < 1.0 && width > 1 => width - 1,
        full => full,
    };
    ("━".repeat(full), "─".repeat(width - full.min(width)))
}

/// The newest `width` values as rows of block characters, topmost first, the newest at the right; the largest value
/// shown is full height.
pub fn spark<'a>(values: impl DoubleEndedIterator<Item = &'a f64>, width: usize, rows: usize) -> Vec<String> {
    let mut shown: Vec<f64> = values.rev().take(width).copied().collect();
    shown.reverse();
    let most = shown.iter().copied().fold(0.0, f64::max);
    let levels = rows * STEPS.len();
    let level = |value: f64| match most {
        most if most > 0.0 => (value / most * levels as f64).round() as usize,
        _ => 0,
    };
    let pad = width - shown.len();
    let row = |from_bottom: usize| {
        let cell = |value: &f64| cell(level(*value), from_bottom);
        std::iter::repeat_n(' ', pad).chain(shown.iter().map(cell)).collect::<String>()
    };
    (0..rows).rev().map(row).collect()
}

/// One cell of a column that is `level` eighths high.
fn cell(level: usize, from_bottom: usize) -> char {
    let here = level.saturating_sub(from_bottom * STEPS.len()).min(STEPS.len());
    match here.checked_sub(1) {
        Some(step) => STEPS.get(step).copied().unwrap_or(' '),
        // A base line: no wait differs from no look.
        None if from_bottom == 0 => '▁',
        None => ' ',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_one_unit_that_fits_them() {
        let spans = [0.0, 0.04, 9.94, 9.96, 59.4, 99.4, 100.0, 725.0, 5_999.0, 11_220.0, 864_000.0].map(span);
        let told =
            ["0.0 s", "0.0 s", "9.9 s", "10 s", "59 s", "99 s", "1m40", "12m05", "99m59", "3h07", "10 d"];
        assert_eq!(spans, told);
        assert_eq!(span(-3.0), "0.0 s", "clocks that differ make no negative age");
        assert_eq!(span_or_none(None), NONE);
    }

    #[test]
    fn counts_stay_narrow() {
        let counts = [0, 99_999, 123_456, 4_299_999, 300_000_000].map(count);
        assert_eq!(counts, ["0", "99999", "123 k", "4.2 M", "300 M"]);
    }

    #[test]
    fn only_nothing_looks_empty_and_only_all_looks_full() {
        let full = |part| bar(part, 10).0.chars().count();
        assert_eq!([0.0, 0.001, 0.5, 0.999, 1.0, 7.0].map(full), [0, 1, 5, 9, 10, 10]);
        let (done, left) = bar(0.3, 10);
        assert_eq!(format!("{done}{left}"), "━━━───────");
        assert_eq!(bar(0.5, 0), (String::new(), String::new()));
    }

    #[test]
    fn a_sparkline_ends_with_the_newest_value() {
        assert_eq!(spark([0.0, 1.0, 2.0, 8.0].iter(), 6, 1), ["  ▁▁▂█"]);
        assert_eq!(spark([9.0, 9.0, 0.0, 4.0].iter(), 2, 1), ["▁█"], "scaled by what is shown");
        assert_eq!(spark([1.0, 2.0].iter(), 2, 2), [" █", "██"]);
        assert_eq!(spark([0.0, 0.0].iter(), 2, 2), ["  ", "▁▁"]);
    }
}
