//! What is on the screen, at the sizes that terminals have.

use super::layout::plain;
use super::*;
use crate::top::fixture::{busy, look_of};
use crate::top::look::Look;
use crate::top::model::Outcome;
use crate::top::ui::Sort;

/// A model of a server that was seen `times` times.
fn seen(look: &Look, times: u64) -> Model {
    let mut model = Model::default();
    for n in 0..times {
        model.fold(Outcome::Seen(Box::new(look.clone())), n * 1_000);
    }
    model
}

fn view<'a>(model: &'a Model, ui: &'a Ui) -> View<'a> {
    let theme = Theme { colour: false };
    View { model, ui, theme, url: "http://127.0.0.1:8080/", interval_ms: Some(1_000), now_ms: 12_000 }
}

fn frame(model: &Model, ui: &Ui, size: (u16, u16)) -> String {
    plain(&view(model, ui), size.0, size.1).join("\n")
}

/// Every text is on the screen, and the screen is in the failure's message.
fn shows(screen: &str, texts: &[&str]) {
    for text in texts {
        assert!(screen.contains(text), "no `{text}` in\n{screen}");
    }
}

#[test]
fn a_small_terminal_has_all_parts() {
    let screen = frame(&seen(&busy(20, 9), 3), &Ui::default(), (80, 24));
    shows(
        &screen,
        &[
            "reeve top  http://127.0.0.1:8080",
            "12:00:00 UTC  every 1.0 s",
            "queued 48   running 12   workers 9",
        ],
    );
    shows(&screen, &["▸ image  open", "6/8", "  video  paused", "tier of image", "12m05", "5m10", "25 %"]);
    shows(&screen, &["oldest in image", "█", "running", "image.generate", "worker of image", "draining"]);
    shows(&screen, &["q quit", "sort: longest first"]);
}

#[test]
fn lists_that_are_cut_say_so() {
    let screen = frame(&seen(&busy(300, 40), 2), &Ui::default(), (80, 24));
    assert_eq!(screen.matches(" more").count(), 2, "{screen}");
}

#[test]
fn a_wide_terminal_shows_jobs_beside_tiers_with_whole_figures() {
    let screen = frame(&seen(&busy(20, 3), 3), &Ui::default(), (160, 50));
    let row = screen.lines().find(|line| line.contains("▸ image")).unwrap();
    assert!(screen.lines().any(|line| line.contains("pool ") && line.contains("workspace")), "{row}");
    shows(&screen, &["wait of the oldest job in image", "1/3", "studio-20", "gpu-3"]);
    assert!(!screen.contains("more"), "all of it fits\n{screen}");
}

#[test]
fn no_size_cuts_a_figure_or_panics() {
    let model = seen(&busy(70, 12), 30);
    for width in [1, 20, 49, 50, 64, 80, 100, 139, 140, 200, 300] {
        for height in [1, 5, 13, 14, 20, 24, 31, 32, 60] {
            let screen = frame(&model, &Ui::default(), (width, height));
            let told = screen.contains("needs 50");
            assert_eq!(
                told && width >= 30,
                (30..50).contains(&width) || (height < 14 && width >= 30),
                "{screen}"
            );
            if !told && width >= 50 && height >= 14 {
                shows(&screen, &["▸ image", "6/8", "p99", "12m05", "5m10"]);
            }
        }
    }
}

#[test]
fn a_server_that_is_gone_is_told_with_the_reason_and_the_last_figures() {
    let mut model = seen(&busy(2, 1), 2);
    model.fold(Outcome::Failed("connection refused".into()), 2_000);
    let screen = frame(&model, &Ui::default(), (80, 24));
    shows(&screen, &["12:00:00 UTC  NO ANSWER for 10 s", "trying again: connection refused", "▸ image"]);
    model.fold(Outcome::Seen(Box::new(busy(2, 1))), 13_000);
    assert!(!frame(&model, &Ui::default(), (80, 24)).contains("NO ANSWER"));
}

#[test]
fn before_the_first_answer_nothing_is_claimed() {
    let screen = frame(&Model::default(), &Ui::default(), (80, 24));
    shows(&screen, &["connecting"]);
    assert!(!screen.contains("no pool") && !screen.contains("queued 0"), "{screen}");
}

#[test]
fn the_chosen_pool_is_the_one_whose_tiers_and_jobs_are_shown() {
    let ui = Ui { pool: 1, ..Ui::default() };
    let screen = frame(&seen(&busy(5, 0), 1), &ui, (80, 24));
    shows(&screen, &["▸ video", "tier of video", "nothing runs in video", "nobody works for video"]);
    // A pool that was chosen and then went away leaves the choice at the last one.
    let ui = Ui { pool: 9, ..Ui::default() };
    shows(&frame(&seen(&busy(5, 0), 1), &ui, (80, 24)), &["▸ video"]);
}

#[test]
fn jobs_are_in_the_order_that_was_chosen() {
    let mut look = look_of(&[1, 2, 3]);
    for (job, (fraction, started)) in look.running.iter_mut().zip([(0.1, 30), (0.9, 10), (0.5, 20)]) {
        job.progress.fraction = fraction;
        job.started_at = Some(format!("2026-03-01T11:59:{started}.000Z").parse().unwrap());
    }
    let order = |sort| {
        let screen = frame(&seen(&look, 1), &Ui { sort, ..Ui::default() }, (80, 24));
        let of = |line: &str| (1..=3).find(|n| line.contains(&format!("studio-{n}")));
        screen.lines().filter_map(of).collect::<Vec<_>>()
    };
    assert_eq!(order(Sort::Longest), [2, 3, 1]);
    assert_eq!(order(Sort::Progress), [2, 3, 1]);
    assert_eq!(order(Sort::Workspace), [1, 2, 3]);
    assert_eq!(order(Sort::Tier), [2, 3, 1]);
}

#[test]
fn help_and_pause_are_visible() {
    let model = seen(&busy(5, 1), 1);
    shows(
        &frame(&model, &Ui { help: true, ..Ui::default() }, (80, 24)),
        &["choose a pool", "behind its floor"],
    );
    shows(&frame(&model, &Ui { paused: true, ..Ui::default() }, (80, 24)), &["PAUSED", "p go on"]);
}

#[test]
fn a_page_has_every_pool_and_no_keys() {
    let model = seen(&busy(3, 1), 2);
    let ui = Ui::default();
    let text = page(&View { interval_ms: None, ..view(&model, &ui) }, 100);
    shows(&text, &["tier of image", "tier of video", "finished 0.0/s", "nothing runs in video"]);
    assert!(!text.contains("quit") && !text.contains('▸') && !text.contains("every"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100 && line == line.trim_end()), "{text}");
}

#[test]
fn colour_is_used_only_when_it_is_wanted() {
    use ratatui::style::Color;
    let model = seen(&busy(3, 1), 2);
    let ui = Ui::default();
    let colours = |colour| {
        let area = Rect::new(0, 0, 80, 24);
        let mut buffer = Buffer::empty(area);
        draw(&View { theme: Theme { colour }, ..view(&model, &ui) }, area, &mut buffer);
        buffer.content.iter().filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset).count()
    };
    assert!(colours(true) > 0);
    assert_eq!(colours(false), 0);
}
