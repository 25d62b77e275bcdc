//! Waits over time, drawn: a panel for each policy, a colour for each tier, a thick line for the p99 and a
//! thin one for the median.
//!
//! The font is built in, because a server has none; nothing of the system is needed.

use std::sync::OnceLock;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::register_font;

use crate::report::{Point, Report};

/// Pixels of a picture with one panel, and of each panel where there are several.
const SINGLE: (u32, u32) = (1_200, 640);
const PANEL: (u32, u32) = (600, 330);
/// Pixels of the line above the panels.
const HEAD: u32 = 84;

/// Shorter waits are drawn as this, in seconds: the axis is logarithmic.
const SHORTEST: f64 = 0.01;

const INK: RGBColor = RGBColor(38, 50, 56);
const GRID: RGBColor = RGBColor(226, 230, 232);
/// Told apart also by those who see fewer colours; lowest tier first.
const TIERS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(213, 60, 0),
    RGBColor(204, 121, 167),
    RGBColor(90, 90, 90),
];

/// Runs of the same load as the text of an SVG.
///
/// # Errors
/// What the plotting library reports.
pub fn svg(title: &str, reports: &[Report]) -> Result<String, String> {
    let mut text = String::new();
    draw(SVGBackend::with_string(&mut text, size(reports)).into_drawing_area(), title, reports)?;
    Ok(text)
}

/// Runs of the same load as the bytes of a PNG.
///
/// # Errors
/// What the plotting library or the encoder reports.
pub fn png(title: &str, reports: &[Report]) -> Result<Vec<u8>, String> {
    let (width, height) = size(reports);
    let mut pixels = vec![255_u8; width as usize * height as usize * 3];
    draw(BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area(), title, reports)?;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(|error| error.to_string())?;
    writer.write_image_data(&pixels).map_err(|error| error.to_string())?;
    writer.finish().map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn size(reports: &[Report]) -> (u32, u32) {
    if reports.len() <= 1 {
        return (SINGLE.0, SINGLE.1 + HEAD);
    }
    let columns = columns(reports.len());
    let rows = reports.len().div_ceil(columns);
    (PANEL.0 * columns as u32, PANEL.1 * rows as u32 + HEAD)
}

/// Panels beside each other: two, since documents are narrow.
const fn columns(panels: usize) -> usize {
    if panels > 1 { 2 } else { 1 }
}

fn draw<DB: DrawingBackend>(
    area: DrawingArea<DB, Shift>,
    title: &str,
    reports: &[Report],
) -> Result<(), String> {
    load_font()?;
    let columns = columns(reports.len());
    let rows = reports.len().div_ceil(columns).max(1);
    area.fill(&WHITE).map_err(error)?;
    let (head, body) = area.split_vertically(HEAD);
    draw_head(&head, title, reports)?;
    let longest = longest(reports);
    for (panel, report) in body.split_evenly((rows, columns)).iter().zip(reports) {
        draw_panel(panel, report, longest)?;
    }
    area.present().map_err(error)
}

/// The title, and which colour is which tier.
fn draw_head<DB: DrawingBackend>(
    head: &DrawingArea<DB, Shift>,
    title: &str,
    reports: &[Report],
) -> Result<(), String> {
    let style = ("sans-serif", 20).into_font().color(&INK);
    head.draw_text(title, &style, (16, 8)).map_err(error)?;
    let style = ("sans-serif", 15).into_font().color(&INK);
    let mut x = 16;
    for (n, tier) in reports.first().map_or(&[][..], |report| &report.tiers).iter().enumerate() {
        let swatch = Rectangle::new([(x, 42), (x + 18, 50)], colour(n).filled());
        head.draw(&swatch).map_err(error)?;
        head.draw_text(&tier.tier, &style, (x + 24, 38)).map_err(error)?;
        x += 50 + 9 * tier.tier.chars().count() as i32;
    }
    let lines = "thick: p99, thin: median; wait until the first start, by the time of arrival";
    head.draw_text(lines, &style, (x + 16, 38)).map_err(error)?;
    let lines = "pale: jobs that had not started when the run ended, so at least that wait; at the bottom: 10 ms or less";
    head.draw_text(lines, &style, (16, 60)).map_err(error)
}

fn draw_panel<DB: DrawingBackend>(
    panel: &DrawingArea<DB, Shift>,
    report: &Report,
    longest: f64,
) -> Result<(), String> {
    let mut chart = ChartBuilder::on(panel)
        .margin(10)
        .margin_right(20)
        .caption(&report.name, ("sans-serif", 18).into_font().color(&INK))
        .x_label_area_size(34)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..report.seconds as f64, (SHORTEST..longest).log_scale())
        .map_err(error)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE.mix(0.0))
        .bold_line_style(GRID)
        .axis_style(INK)
        .x_labels(7)
        .y_labels(6)
        .x_desc("seconds")
        .label_style(("sans-serif", 13).into_font().color(&INK))
        .x_label_formatter(&|second| format!("{second:.0}"))
        .y_label_formatter(&label)
        .draw()
        .map_err(error)?;
    for (n, tier) in report.tiers.iter().enumerate() {
        for (is_bound, run) in runs(&tier.series) {
            let line = |of: fn(&Point) -> u64| {
                run.iter().map(move |point| (point.second, (of(point) as f64 / 1_000.0).max(SHORTEST)))
            };
            let (thick, thin) = if is_bound { (0.3, 0.2) } else { (1.0, 0.55) };
            let style = colour(n).mix(thick).stroke_width(2);
            chart.draw_series(LineSeries::new(line(|point| point.p99_ms), style)).map_err(error)?;
            let style = colour(n).mix(thin).stroke_width(1);
            chart.draw_series(LineSeries::new(line(|point| point.p50_ms), style)).map_err(error)?;
        }
    }
    Ok(())
}

/// Stretches of points whose waits are known, or only bounded from below. Each begins where the one before
/// ends, so that the line has no gap.
fn runs(series: &[Point]) -> Vec<(bool, Vec<Point>)> {
    let mut runs: Vec<(bool, Vec<Point>)> = Vec::new();
    for point in series.iter().filter(|point| point.jobs > 0) {
        let is_bound = point.unstarted > 0;
        match runs.last_mut() {
            Some((same, run)) if *same == is_bound => run.push(*point),
            last => {
                let joint = last.and_then(|(_, run)| run.last().copied());
                runs.push((is_bound, joint.into_iter().chain([*point]).collect()));
            }
        }
    }
    runs
}

/// The top of every panel, so that panels can be compared: the next power of ten above the longest wait.
fn longest(reports: &[Report]) -> f64 {
    let points = reports.iter().flat_map(|report| &report.tiers).flat_map(|tier| &tier.series);
    let longest = points.map(|point| point.p99_ms).max().unwrap_or_default() as f64 / 1_000.0;
    let mut top = 1.0;
    while top < longest {
        top *= 10.0;
    }
    top
}

fn label(seconds: &f64) -> String {
    if *seconds >= 1.0 { format!("{seconds:.0} s") } else { format!("{:.0} ms", seconds * 1_000.0) }
}

fn colour(tier: usize) -> RGBColor {
    TIERS[tier % TIERS.len()]
}

fn error(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn load_font() -> Result<(), String> {
    static LOADED: OnceLock<bool> = OnceLock::new();
    let loaded = || register_font("sans-serif", FontStyle::Normal, dejavu::sans::regular()).is_ok();
    if *LOADED.get_or_init(loaded) { Ok(()) } else { Err("the built-in font cannot be read".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Base, Description, Load, PolicyKind, run};

    #[test]
    fn both_pictures_are_drawn_without_a_font_of_the_system() {
        let text = "[run]\nseconds = 60\n[actions.a]\npool = \"p\"\nrun = { kind = \"fixed\", ms = 900 }\n\
                    [[workers]]\nname = \"w\"\npools = [\"p\"]\ncount = 1\n\
                    [[workspaces]]\nname = \"g\"\ntier = \"free\"\nper_minute = 70\nactions = { a = 1 }\n";
        let base = Base::from_toml(include_str!("../../../config/default.toml")).unwrap();
        let load = Load::new(&base, &Description::from_toml(text).unwrap(), None).unwrap();
        let report = Report::new(&load, &run(&load, PolicyKind::Reeve).unwrap());
        let one = svg("a title", std::slice::from_ref(&report)).unwrap();
        assert!(one.contains("a title") && one.contains("free") && one.contains("polyline"));
        let seven = png("seven", &vec![report; 7]).unwrap();
        let decoded = png::Decoder::new(std::io::Cursor::new(seven)).read_info().unwrap();
        let (width, height) = (decoded.info().width, decoded.info().height);
        assert_eq!((width, height), (2 * PANEL.0, 4 * PANEL.1 + HEAD));
    }
}
