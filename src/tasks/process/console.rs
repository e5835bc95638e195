//! Console of Windows: the server shares it with its commands, which are asked to end through it.

use windows::Win32::System::Threading::{CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW, PROCESS_CREATION_FLAGS};
use windows_sys::Win32::System::Console::{AllocConsole, CTRL_BREAK_EVENT, GenerateConsoleCtrlEvent, GetConsoleCP};

use super::code_page::can_hold;
use super::{CommandLine, Shell};

/// Characters of the longest command line that `cmd` reads, and that a process can be started with.
const CMD_MAX: usize = 8191;
const MAX: usize = 32_766;

/// The length of a command line that is too long, without the quotes that its arguments may need, and the limit.
pub(super) fn excess(command: &CommandLine) -> Option<(usize, usize)> {
    let length = |text: &str| text.encode_utf16().count();
    let (length, max) = match command {
        CommandLine::Shell(Shell::Cmd, text) => (length(&cmd_argument(text)), CMD_MAX),
        CommandLine::Shell(shell, text) => (length(shell.program()) + 1 + length(text), MAX),
        CommandLine::Program(program, arguments) => {
            (length(program) + arguments.iter().map(|argument| 1 + length(argument)).sum::<usize>(), MAX)
        }
    };
    (length > max).then_some((length, max))
}

/// Gives the process a console if it has none, as a service, whose commands could not be asked to end otherwise.
pub fn ensure() {
    #[expect(unsafe_code, reason = "no safe wrapper exists among the dependencies")]
    // SAFETY: the calls take nothing.
    unsafe {
        if GetConsoleCP() == 0 {
            AllocConsole();
        }
    }
}

/// How a command is started: in a group of its own, which does not get the Ctrl+C of the server's console. A command line that the
/// code page cannot hold gets a console of its own, so that another code page there concerns nobody else.
pub(super) fn creation_flags(command: &CommandLine) -> PROCESS_CREATION_FLAGS {
    match command {
        CommandLine::Shell(Shell::Cmd, text) if !can_hold(text) => CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP,
        _ => CREATE_NEW_PROCESS_GROUP,
    }
}

/// What follows `cmd /S /C`: the command line in quotes. cmd writes the characters of its own output in the code page of the console,
/// and question marks for those that this has not: then the console is switched to UTF-8.
pub(super) fn cmd_argument(text: &str) -> String {
    if can_hold(text) { format!("\"{text}\"") } else { format!("\"chcp 65001 >nul & {text}\"") }
}

/// Asks the command with this process id, and all processes of its group, to end.
pub(super) fn ask_to_end(process: u32) {
    #[expect(unsafe_code, reason = "no safe wrapper exists among the dependencies")]
    // SAFETY: the call takes numbers only.
    unsafe {
        GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, process); // fails if it has ended or is in another console
    }
}
