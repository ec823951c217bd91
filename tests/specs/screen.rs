//! A command at a terminal that shows a picture rather than lines.

use std::{
    io::{Read as _, Write as _},
    os::fd::OwnedFd,
    process::{Child, Command, ExitStatus},
    sync::{Arc, Mutex, PoisonError},
};

use rustix::{
    fs::{Mode, OFlags},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

const ROWS: u16 = 24;
const COLUMNS: u16 = 220;

/// See the module.
pub struct Screen {
    command: Child,
    keyboard: std::fs::File,
    shown: Arc<Mutex<vt100::Parser>>,
}

impl Screen {
    /// Runs the command at a terminal of its own.
    pub fn run(mut command: Command) -> Self {
        let (outside, inside) = pair().expect("there are terminals");
        let size = Winsize { ws_row: ROWS, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&inside, size).expect("a terminal has a size");
        let share = || inside.try_clone().expect("it can be shared");
        let command = command.stdin(share()).stdout(share()).stderr(share()).spawn().expect("the command runs");
        let mut reading = std::fs::File::from(outside.try_clone().expect("it can be shared"));
        let shown = Arc::new(Mutex::new(vt100::Parser::new(
            ROWS.try_into().expect("not zero"),
            COLUMNS.try_into().expect("not zero"),
            0,
        )));
        let into = Arc::clone(&shown);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // It ends with an error when nobody has the terminal any more.
            while let Ok(count @ 1..) = reading.read(&mut bytes) {
                into.lock().unwrap_or_else(PoisonError::into_inner).process(&bytes[..count]);
            }
        });
        Self { command, keyboard: outside.into(), shown }
    }

    /// What stands on it, line by line.
    pub fn lines(&self) -> Vec<String> {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.screen().rows(0, COLUMNS).map(|line| line.trim_end().to_owned()).collect()
    }

    /// Whether it is the picture that is shown, and not the lines from before it.
    pub fn is_picture(&self) -> bool {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).screen().alternate_screen()
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// How the command has ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.command.try_wait().expect("it can be waited for")
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.command.kill();
        let _ = self.command.wait();
    }
}

/// Both sides of a terminal: what shows it, and what is inside.
pub fn pair() -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&screen)?;
    unlockpt(&screen)?;
    let name = ptsname(&screen, Vec::new())?;
    let inside = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    Ok((screen, inside))
}
