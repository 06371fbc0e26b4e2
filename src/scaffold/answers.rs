//! Answers as people write them in one line: `NAME=VALUE`, `SECRET:KEY=VARIABLE`, a command line, an amount of CPU.

use std::str::FromStr;

use super::format::Piece;

/// An answer that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAnswer {
    #[error("write NAME=VALUE")]
    Variable,
    #[error("write SECRET:KEY=VARIABLE for a variable, or SECRET=/PATH for files")]
    Secret,
    #[error("`{0}` has a quote without its end")]
    Quotes(String),
    #[error("a command has to name a program")]
    NoProgram,
    #[error("`{0}` is no amount of CPU; write 0.5 or 500m")]
    Cpu(String),
}

/// A variable of the container's environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    pub name: String,
    pub value: String,
}

impl FromStr for Variable {
    type Err = InvalidAnswer;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once('=').ok_or(InvalidAnswer::Variable)?;
        Ok(Self {
            name: name.trim().to_owned(),
            value: value.to_owned(),
        })
    }
}

/// A Kubernetes secret and what becomes of it in the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    pub name: String,
    pub becomes: Use,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Use {
    /// The value of one of its keys is in this variable.
    Variable { key: String, variable: String },
    /// Each of its keys is a file in this directory.
    Directory(String),
}

impl Secret {
    /// The variable that it is in.
    pub fn variable(&self) -> Option<&str> {
        match &self.becomes {
            Use::Variable { variable, .. } => Some(variable),
            Use::Directory(_) => None,
        }
    }

    /// The key that it needs.
    pub fn key(&self) -> Option<&str> {
        match &self.becomes {
            Use::Variable { key, .. } => Some(key),
            Use::Directory(_) => None,
        }
    }

    pub(super) fn piece(&self) -> Piece {
        let text = |text: &String| Some(Piece::Text(text.clone()));
        match &self.becomes {
            Use::Variable { key, variable } => Piece::of([
                ("name", text(&self.name)),
                ("key", text(key)),
                ("envVar", text(variable)),
            ]),
            Use::Directory(path) => Piece::of([("name", text(&self.name)), ("mountPath", text(path))]),
        }
    }
}

impl FromStr for Secret {
    type Err = InvalidAnswer;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (from, to) = text.split_once('=').ok_or(InvalidAnswer::Secret)?;
        let (name, becomes) = match from.split_once(':') {
            Some((name, key)) if !key.is_empty() && !to.is_empty() => (
                name,
                Use::Variable {
                    key: key.to_owned(),
                    variable: to.to_owned(),
                },
            ),
            None if to.starts_with('/') => (from, Use::Directory(to.to_owned())),
            _ => return Err(InvalidAnswer::Secret),
        };
        if name.is_empty() {
            return Err(InvalidAnswer::Secret);
        }
        Ok(Self {
            name: name.to_owned(),
            becomes,
        })
    }
}

/// The words of a command line, quotes taken away as a shell would.
///
/// # Errors
/// When a quote has no end, or there is no word.
pub fn command_line(line: &str) -> Result<Vec<String>, InvalidAnswer> {
    let words = shell_words::split(line).map_err(|_| InvalidAnswer::Quotes(line.to_owned()))?;
    if words.first().is_none_or(String::is_empty) {
        return Err(InvalidAnswer::NoProgram);
    }
    Ok(words)
}

/// An amount of CPU as specs have it, a number; Kubernetes' `500m` is 0.5.
///
/// # Errors
/// When it is none, or not above zero.
pub fn cpu(text: &str) -> Result<f64, InvalidAnswer> {
    let (number, divisor) = match text.strip_suffix('m') {
        Some(thousandths) => (thousandths, 1000.0),
        None => (text, 1.0),
    };
    let wrong = || InvalidAnswer::Cpu(text.to_owned());
    let is_plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let amount: f64 = number.parse().map_err(|_| wrong())?;
    if is_plain && amount > 0.0 && amount.is_finite() {
        Ok(amount / divisor)
    } else {
        Err(wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_in_a_variable_or_in_a_directory() {
        let variable = |name: &str, key: &str, variable: &str| Secret {
            name: name.to_owned(),
            becomes: Use::Variable {
                key: key.to_owned(),
                variable: variable.to_owned(),
            },
        };
        assert_eq!(
            "db:password=PGPASSWORD".parse(),
            Ok(variable("db", "password", "PGPASSWORD"))
        );
        assert_eq!("db:a.b-c=X".parse(), Ok(variable("db", "a.b-c", "X")));
        let directory = Secret {
            name: "tls".to_owned(),
            becomes: Use::Directory("/etc/tls".to_owned()),
        };
        assert_eq!("tls=/etc/tls".parse(), Ok(directory));
        for text in [
            "",
            "db",
            "db:password",
            "db:=X",
            ":k=X",
            "=/etc",
            "db=X",
            "db:k=",
            "db=etc/tls",
        ] {
            assert_eq!(text.parse::<Secret>(), Err(InvalidAnswer::Secret), "{text}");
        }
    }

    #[test]
    fn a_variable_may_have_any_value() {
        let read = |text: &str| text.parse::<Variable>().map(|variable| (variable.name, variable.value));
        assert_eq!(read("A=b=c d"), Ok(("A".to_owned(), "b=c d".to_owned())));
        assert_eq!(read("A="), Ok(("A".to_owned(), String::new())));
        assert_eq!(read("A"), Err(InvalidAnswer::Variable));
    }

    #[test]
    fn a_command_line_is_taken_apart_as_a_shell_would() {
        assert_eq!(
            command_line(r#"python3 -u '/app/my main.py' "a b""#).unwrap(),
            ["python3", "-u", "/app/my main.py", "a b"]
        );
        assert!(matches!(command_line("echo 'x"), Err(InvalidAnswer::Quotes(_))));
        assert_eq!(command_line("  "), Err(InvalidAnswer::NoProgram));
        assert_eq!(command_line("'' a"), Err(InvalidAnswer::NoProgram));
    }

    #[test]
    fn cpu_is_a_number_or_thousandths() {
        for (text, amount) in [("0.5", 0.5), ("2", 2.0), ("500m", 0.5), ("1.5", 1.5)] {
            assert_eq!(cpu(text), Ok(amount), "{text}");
        }
        for text in ["", "m", "0", "-1", "half", "1e3", "inf", "NaN", "1 m", "0m"] {
            assert!(cpu(text).is_err(), "{text}");
        }
    }
}
