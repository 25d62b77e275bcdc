//! What the person at the keyboard has chosen, and what each key changes. Pure.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The order of the running jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Longest running first.
    #[default]
    Longest,
    /// Furthest first.
    Progress,
    Workspace,
    Tier,
}

impl Sort {
    const fn next(self) -> Self {
        match self {
            Self::Longest => Self::Progress,
            Self::Progress => Self::Workspace,
            Self::Workspace => Self::Tier,
            Self::Tier => Self::Longest,
        }
    }

    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Longest => "longest first",
            Self::Progress => "furthest first",
            Self::Workspace => "by workspace",
            Self::Tier => "by tier",
        }
    }
}

/// What was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ui {
    /// Which of the server's pools, counted from 0.
    pub pool: usize,
    pub sort: Sort,
    pub paused: bool,
    pub help: bool,
}

/// Whether to go on after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Stay,
    Quit,
}

impl Ui {
    /// Takes a key, on a server with so many pools.
    pub fn key(&mut self, key: KeyEvent, pools: usize) -> Next {
        // A terminal in raw mode hands Ctrl-C over as a key.
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return if key.code == KeyCode::Char('c') { Next::Quit } else { Next::Stay };
        }
        let help = std::mem::take(&mut self.help);
        match key.code {
            KeyCode::Char('q') => return Next::Quit,
            KeyCode::Esc if !help => return Next::Quit,
            KeyCode::Char('?' | 'h') => self.help = !help,
            KeyCode::Char('p' | ' ') => self.paused = !self.paused,
            KeyCode::Char('s') => self.sort = self.sort.next(),
            KeyCode::Tab | KeyCode::Down | KeyCode::Right => self.turn(1, pools),
            KeyCode::BackTab | KeyCode::Up | KeyCode::Left => self.turn(pools.saturating_sub(1), pools),
            _ => {}
        }
        Next::Stay
    }

    fn turn(&mut self, by: usize, pools: usize) {
        self.pool = (self.pool + by).checked_rem(pools).unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(keys: &[KeyCode], pools: usize) -> Ui {
        let mut ui = Ui::default();
        for key in keys {
            assert_eq!(ui.key(KeyEvent::from(*key), pools), Next::Stay, "{key}");
        }
        ui
    }

    #[test]
    fn pools_are_chosen_in_a_circle() {
        assert_eq!(after(&[KeyCode::Tab, KeyCode::Down], 3).pool, 2);
        assert_eq!(after(&[KeyCode::Tab, KeyCode::Right, KeyCode::Tab], 3).pool, 0);
        assert_eq!(after(&[KeyCode::Up], 3).pool, 2);
        assert_eq!(after(&[KeyCode::Up, KeyCode::Tab, KeyCode::Left], 0).pool, 0, "no pool to choose");
    }

    #[test]
    fn q_escape_and_ctrl_c_end_it() {
        let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        for key in [KeyEvent::from(KeyCode::Char('q')), KeyEvent::from(KeyCode::Esc), ctrl_c] {
            assert_eq!(Ui::default().key(key, 1), Next::Quit, "{key:?}");
        }
        assert_eq!(Ui::default().key(KeyEvent::from(KeyCode::Char('c')), 1), Next::Stay);
    }

    #[test]
    fn any_key_closes_the_help_and_escape_does_no_more_than_that() {
        let question = KeyCode::Char('?');
        assert!(after(&[question], 1).help);
        assert!(!after(&[question, question], 1).help);
        assert!(!after(&[question, KeyCode::Esc], 1).help);
        assert!(!after(&[question, KeyCode::Char('x')], 1).help);
    }

    #[test]
    fn pausing_and_sorting_go_round() {
        assert!(after(&[KeyCode::Char('p')], 1).paused);
        assert!(!after(&[KeyCode::Char('p'), KeyCode::Char('p')], 1).paused);
        assert_eq!(after(&[KeyCode::Char('s')], 1).sort, Sort::Progress);
        assert_eq!(after(&[KeyCode::Char('s'); 4], 1).sort, Sort::Longest);
    }
}
