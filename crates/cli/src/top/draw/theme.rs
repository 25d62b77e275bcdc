//! What carries a meaning beyond the words. Without colour only weight is left, so no meaning hangs on colour alone.

use ratatui::style::{Color, Modifier, Style};

/// How meanings look.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    pub colour: bool,
}

impl Theme {
    fn of(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }

    pub fn plain(self) -> Style {
        Style::new()
    }

    /// As it should be.
    pub fn good(self) -> Style {
        self.of(Color::Green)
    }

    /// Worth a look.
    pub fn warn(self) -> Style {
        self.of(Color::Yellow)
    }

    /// Broken.
    pub fn bad(self) -> Style {
        self.of(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Bars.
    pub fn accent(self) -> Style {
        self.of(Color::Cyan)
    }

    /// Heads, and what is chosen.
    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Said for completeness.
    pub fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }
}
