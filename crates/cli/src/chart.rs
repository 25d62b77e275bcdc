//! The balance of a story over time, drawn: a step line, with marks where credits came and went by themselves.
//!
//! The font is built in, because a server has none; nothing of the system is needed.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::OnceLock;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged};
use plotters::prelude::*;
use plotters::style::register_font;
use reeve_rehearsal::{Happening, Story, What};
use reeve_types::{Credits, Millis};
use reeve_workspace::Kind;

/// Pixels of a picture.
const SIZE: (u32, u32) = (1_200, 560);
/// Most labels below the picture.
const LABELS_MAX: usize = 12;
/// Pixels of a mark.
const MARK: i32 = 6;

const INK: RGBColor = RGBColor(38, 50, 56);
const LINE: RGBColor = RGBColor(25, 94, 158);
const FILL: RGBColor = RGBColor(187, 214, 240);
const COMES: RGBColor = RGBColor(46, 125, 50);
const GOES: RGBColor = RGBColor(198, 40, 40);
const DENIED: RGBColor = RGBColor(230, 126, 0);

/// A story as the text of an SVG.
///
/// # Errors
/// What the plotting library reports.
pub fn svg(story: &Story) -> Result<String, String> {
    let mut text = String::new();
    draw(SVGBackend::with_string(&mut text, SIZE).into_drawing_area(), story)?;
    Ok(text)
}

/// A story as the bytes of a PNG.
///
/// # Errors
/// What the plotting library or the encoder reports.
pub fn png(story: &Story) -> Result<Vec<u8>, String> {
    let (width, height) = SIZE;
    let mut pixels = vec![255_u8; usize::try_from(width * height * 3).unwrap_or(0)];
    draw(BitMapBackend::with_buffer(&mut pixels, SIZE).into_drawing_area(), story)?;
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::write_buffer_with_format(
        &mut bytes,
        &pixels,
        width,
        height,
        image::ExtendedColorType::Rgb8,
        image::ImageFormat::Png,
    )
    .map_err(|error| error.to_string())?;
    Ok(bytes.into_inner())
}

/// A time axis in milliseconds, labelled at the starts of months, or of days where it is short.
struct Time {
    from: i64,
    to: i64,
}

impl Ranged for Time {
    type FormatOption = NoDefaultFormatting;
    type ValueType = i64;

    fn map(&self, value: &i64, limit: (i32, i32)) -> i32 {
        let span = i128::from(self.to - self.from).max(1);
        let pixels = i128::from(limit.1 - limit.0);
        let offset = i128::from(value - self.from) * pixels / span;
        limit.0 + i32::try_from(offset).unwrap_or(0)
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<i64> {
        let day = 86_400_000;
        let first = self.from.div_euclid(day) * day + day;
        let days: Vec<i64> = (0..4_000).map(|n| first + n * day).take_while(|at| *at <= self.to).collect();
        let months: Vec<i64> = days.iter().copied().filter(|at| label(*at).ends_with("-01")).collect();
        let marks = if months.len() >= 3 { months } else { days };
        let every = marks.len().div_ceil(LABELS_MAX).max(1);
        marks.into_iter().step_by(every).collect()
    }

    fn range(&self) -> std::ops::Range<i64> {
        self.from..self.to
    }
}

impl plotters::coord::ranged1d::ValueFormatter<i64> for Time {
    fn format(value: &i64) -> String {
        label(*value)
    }
}

fn label(at: i64) -> String {
    Millis::from_millis(at).to_string().chars().take(10).collect()
}

fn draw<DB: DrawingBackend>(
    area: DrawingArea<DB, plotters::coord::Shift>,
    story: &Story,
) -> Result<(), String> {
    load_font()?;
    let told = |error: &dyn Display| error.to_string();
    let points = line(story);
    let (low, high) = bounds(&points);
    let span = story.to.since(story.from).max(1);
    let x = Time { from: story.from.value(), to: story.to.value() + span / 50 };
    area.fill(&WHITE).map_err(|e| told(&e))?;
    let title = ("sans-serif", 22).into_font().color(&INK);
    let mut chart = ChartBuilder::on(&area)
        .caption(&story.title, title)
        .margin(16)
        .x_label_area_size(36)
        .y_label_area_size(72)
        .build_cartesian_2d(x, low..high)
        .map_err(|e| told(&e))?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(INK.mix(0.12))
        .axis_style(INK.mix(0.6))
        .label_style(("sans-serif", 14).into_font().color(&INK))
        .y_desc("credits available")
        .y_label_formatter(&|credits| format!("{credits:.0}"))
        .draw()
        .map_err(|e| told(&e))?;
    let below = AreaSeries::new(points.iter().copied(), 0.0, FILL.mix(0.5));
    chart.draw_series(below).map_err(|e| told(&e))?;
    chart.draw_series(LineSeries::new(points.iter().copied(), LINE.stroke_width(2))).map_err(|e| told(&e))?;
    let comes = marks(story, |what| matches!(what, What::Moved { kind, .. } if comes(*kind)));
    chart
        .draw_series(comes.into_iter().map(|at| TriangleMarker::new(at, MARK, COMES.filled())))
        .map_err(|e| told(&e))?
        .label("granted")
        .legend(|(x, y)| TriangleMarker::new((x + 10, y), MARK, COMES.filled()));
    let goes = marks(story, |what| matches!(what, What::Moved { kind, .. } if goes(*kind)));
    chart
        .draw_series(goes.into_iter().map(|at| Circle::new(at, MARK - 1, GOES.filled())))
        .map_err(|e| told(&e))?
        .label("expired, forfeited or taken back")
        .legend(|(x, y)| Circle::new((x + 10, y), MARK - 1, GOES.filled()));
    let taken = losses(story).into_iter().map(|pair| PathElement::new(pair.to_vec(), GOES.stroke_width(1)));
    chart.draw_series(taken).map_err(|e| told(&e))?;
    let denied = marks(story, |what| matches!(what, What::Refused(_)));
    chart
        .draw_series(denied.into_iter().map(|at| Cross::new(at, MARK, DENIED.stroke_width(3))))
        .map_err(|e| told(&e))?
        .label("refused")
        .legend(|(x, y)| Cross::new((x + 10, y), MARK, DENIED.stroke_width(3)));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.85))
        .border_style(INK.mix(0.2))
        .label_font(("sans-serif", 14).into_font().color(&INK))
        .draw()
        .map_err(|e| told(&e))?;
    area.present().map_err(|e| told(&e))
}

const fn comes(kind: Kind) -> bool {
    matches!(kind, Kind::Grant | Kind::Restore)
}

const fn goes(kind: Kind) -> bool {
    matches!(kind, Kind::Expire | Kind::Forfeit | Kind::ClawBack | Kind::Take | Kind::Owe)
}

/// What the picture is about: the given workspace.
fn shown(story: &Story) -> impl Iterator<Item = &Happening> {
    story.happenings.iter().filter(|happening| happening.workspace == story.main)
}

fn credits(amount: Credits) -> f64 {
    // A picture's pixels are far coarser than what a float loses here.
    amount.micros() as f64 / Credits::SCALE as f64
}

/// The balance as a line that holds its height until the next change; of one instant only its end is drawn.
fn line(story: &Story) -> Vec<(i64, f64)> {
    let mut points: Vec<(i64, f64)> = Vec::new();
    let mut height = None;
    for (at, after) in ends(story) {
        points.extend(height.map(|before| (at, before)));
        points.push((at, after));
        height = Some(after);
    }
    points.extend(height.map(|last| (story.to.value(), last)));
    points
}

/// What was available at the end of each instant that moved credits.
fn ends(story: &Story) -> BTreeMap<i64, f64> {
    let moves = shown(story).filter(|happening| matches!(happening.what, What::Moved { .. }));
    moves.map(|happening| (happening.at.value(), credits(happening.available))).collect()
}

/// What each loss took: from the height after it up to the height before it.
fn losses(story: &Story) -> Vec<[(i64, f64); 2]> {
    let lost =
        shown(story).filter(|happening| matches!(&happening.what, What::Moved { kind, .. } if goes(*kind)));
    let pair = |happening: &Happening| {
        let (at, after) = (happening.at.value(), credits(happening.available));
        [(at, after), (at, after - happening.amount.map_or(0.0, credits))]
    };
    lost.map(pair).collect()
}

/// The heights that are drawn: from zero or the deepest debt to above the most, where the legend is.
fn bounds(points: &[(i64, f64)]) -> (f64, f64) {
    let high = points.iter().map(|(_, y)| *y).fold(1.0, f64::max);
    let low = points.iter().map(|(_, y)| *y).fold(0.0, f64::min);
    (low * 1.1, high * 1.3)
}

fn marks(story: &Story, which: impl Fn(&What) -> bool) -> Vec<(i64, f64)> {
    let chosen = shown(story).filter(|happening| which(&happening.what));
    chosen.map(|happening| (happening.at.value(), credits(happening.available))).collect()
}

fn load_font() -> Result<(), String> {
    static LOADED: OnceLock<bool> = OnceLock::new();
    let loaded = || register_font("sans-serif", FontStyle::Normal, dejavu::sans::regular()).is_ok();
    if *LOADED.get_or_init(loaded) { Ok(()) } else { Err("the built-in font cannot be read".to_owned()) }
}

#[cfg(test)]
mod tests {
    use reeve_rehearsal::{Draft, Script, play};

    use super::*;
    use crate::catalogs;

    fn story() -> Story {
        let source = catalogs::built_in().remove(2);
        let draft = Draft::parse(&source.file, &source.text).unwrap();
        let text = "title = \"five days\"\nwhen = [{ advance = { by = \"5d\" } }]\n";
        play(&draft, &Script::parse("script", text).unwrap()).unwrap()
    }

    #[test]
    fn both_pictures_are_drawn_without_a_font_of_the_system() {
        let story = story();
        let svg = svg(&story).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("five days") && svg.contains("granted"));
        let png = png(&story).unwrap();
        let pixels = image::load_from_memory(&png).unwrap().to_rgb8();
        assert_eq!(pixels.dimensions(), SIZE);
        assert!(pixels.pixels().filter(|pixel| pixel.0 != [255; 3]).count() > 10_000);
    }

    #[test]
    fn the_line_holds_its_height_until_the_next_change() {
        let points = line(&story());
        assert!(points.windows(2).all(|pair| pair[0].0 == pair[1].0 || pair[0].1 == pair[1].1));
    }
}
