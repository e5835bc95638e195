//! `belfry completions` and `belfry man`: generated from the command-line definition.

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::Shell;

use super::{Cli, Failure, answer};
use crate::cli::words;
use crate::i18n::message;

/// Print the completion script for a shell.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry completions bash > /etc/bash_completion.d/belfry
  belfry completions zsh > \"${fpath[1]}/_belfry\"
  belfry completions fish > ~/.config/fish/completions/belfry.fish
  belfry completions powershell >> $PROFILE")]
pub(super) struct Completions {
    #[arg(value_enum)]
    shell: ShellName,
}

/// The supported shells.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum ShellName {
    Bash,
    Zsh,
    Fish,
    #[value(name = "powershell", alias = "pwsh")]
    PowerShell,
}

/// Print the manual page of all commands or of one.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  belfry man | man -l -
  belfry man task add > belfry-task-add.1")]
pub(super) struct Man {
    /// A command, such as task add.
    command: Vec<String>,
}

impl Completions {
    pub(super) fn run(self) -> Result<(), Failure> {
        let shell = match self.shell {
            ShellName::Bash => Shell::Bash,
            ShellName::Zsh => Shell::Zsh,
            ShellName::Fish => Shell::Fish,
            ShellName::PowerShell => Shell::PowerShell,
        };
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "belfry", &mut text);
        answer(&String::from_utf8_lossy(&text))
    }
}

impl Man {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut all = Cli::command().disable_help_subcommand(true);
        all.build();
        let mut command = &all;
        for name in &self.command {
            command = command.find_subcommand(name).ok_or_else(|| Failure::NotFound(words(&message!("cli.no_command", name))))?;
        }
        let mut text = Vec::new();
        page(command, &mut text).map_err(Failure::failed)?;
        if self.command.is_empty() {
            commands(&all, &mut text).map_err(Failure::failed)?;
        }
        answer(&String::from_utf8_lossy(&text))
    }
}

fn page(command: &clap::Command, out: &mut Vec<u8>) -> std::io::Result<()> {
    let name = command.get_bin_name().unwrap_or("belfry").replace(' ', "-");
    clap_mangen::Man::new(command.clone()).title(name.to_uppercase()).render(out)
}

/// The options of each command, after the main page.
fn commands(command: &clap::Command, out: &mut Vec<u8>) -> std::io::Result<()> {
    for inner in command.get_subcommands() {
        if inner.has_subcommands() {
            commands(inner, out)?;
            continue;
        }
        let heading = inner.get_bin_name().unwrap_or(inner.get_name()).to_uppercase();
        out.extend_from_slice(format!(".SH {heading}\n").as_bytes());
        let man = clap_mangen::Man::new(inner.clone());
        man.render_description_section(&mut SubsectionWriter(out))?;
        man.render_synopsis_section(&mut SubsectionWriter(out))?;
        man.render_options_section(&mut SubsectionWriter(out))?;
    }
    Ok(())
}

/// Turns section headings into subsection headings.
struct SubsectionWriter<'a>(&'a mut Vec<u8>);

impl std::io::Write for SubsectionWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes).replace(".SH ", ".SS ");
        self.0.extend_from_slice(text.as_bytes());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
