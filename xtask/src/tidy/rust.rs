//! Rust text seen three ways: code without comments and literals, literals, words.

/// A file with comments and literal contents blanked out of its code.
#[derive(Debug)]
pub(crate) struct Rust {
    /// The code; blanks keep every offset and line of the text.
    pub(crate) code: String,
    /// The string literals in order.
    pub(crate) literals: Vec<Literal>,
}

/// A string literal and where it stands.
#[derive(Debug)]
pub(crate) struct Literal {
    /// Its contents as written.
    pub(crate) text: String,
    /// The offset of its opening quote in the code.
    pub(crate) begin: usize,
    /// The offset past its closing quote.
    pub(crate) end: usize,
}

impl Rust {
    /// Reads a file; unbalanced text is read to its end.
    pub(crate) fn read(text: &str) -> Self {
        let mut out = Self { code: String::with_capacity(text.len()), literals: Vec::new() };
        while let Some(rest) = text.get(out.code.len()..).filter(|it| !it.is_empty()) {
            out.step(rest);
        }
        out
    }

    fn step(&mut self, rest: &str) {
        if rest.starts_with("//") {
            self.blank(rest, rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.blank(rest, comment(rest));
        } else if let Some((open, close, end)) = string(rest, self.ends_in_word()) {
            let begin = self.code.len() + open - 1;
            let text = rest.get(open..close).unwrap_or_default().to_owned();
            self.literals.push(Literal { text, begin, end: self.code.len() + end });
            self.blank(rest, end);
        } else if let Some(end) = character(rest) {
            self.blank(rest, end);
        } else {
            self.code.extend(rest.chars().next());
        }
    }

    fn ends_in_word(&self) -> bool {
        self.code.ends_with(is_word)
    }

    fn blank(&mut self, rest: &str, end: usize) {
        let blanked = rest.get(..end).unwrap_or(rest).bytes();
        self.code.extend(blanked.map(|it| if it == b'\n' { '\n' } else { ' ' }));
    }

    /// The line of an offset, from 1.
    pub(crate) fn line(&self, offset: usize) -> usize {
        1 + self.code.bytes().take(offset).filter(|it| *it == b'\n').count()
    }

    /// The offsets at which a piece of code stands.
    pub(crate) fn find<'a>(&'a self, needle: &'a str) -> impl Iterator<Item = usize> + 'a {
        self.code.match_indices(needle).map(|(at, _)| at)
    }

    /// Whether the literal is the path of a route.
    pub(crate) fn is_route(&self, literal: &Literal) -> bool {
        let before = self.code.get(..literal.begin).unwrap_or_default().trim_end();
        literal.text.starts_with('/') && [".route(", "path ="].iter().any(|it| before.ends_with(it))
    }

    /// Whether the code holds this identifier as a word of its own.
    pub(crate) fn names(&self, word: &str) -> bool {
        self.find(word).any(|at| {
            let before = self.code.get(..at).unwrap_or_default();
            let after = self.code.get(at + word.len()..).unwrap_or_default();
            !before.ends_with(is_word) && !after.starts_with(is_word)
        })
    }

    /// The names that follow a keyword: every `pub trait X`, say.
    pub(crate) fn named_after<'a>(&'a self, keyword: &'a str) -> Vec<(usize, &'a str)> {
        self.find(keyword)
            .filter_map(|at| {
                let after = self.code.get(at + keyword.len()..)?.trim_start();
                let end = after.find(|it| !is_word(it)).unwrap_or(after.len());
                Some((at, after.get(..end)?)).filter(|(_, name)| !name.is_empty())
            })
            .collect()
    }

    /// The code between the first brace at or after an offset and the brace that closes it.
    pub(crate) fn block(&self, offset: usize) -> &str {
        let rest = self.code.get(offset..).unwrap_or_default();
        let open = rest.find('{').map_or(rest.len(), |it| it + 1);
        let mut depth = 1_usize;
        let body = rest.get(open..).unwrap_or_default();
        for (at, it) in body.char_indices() {
            depth = match it {
                '{' => depth + 1,
                '}' => depth - 1,
                _ => depth,
            };
            if depth == 0 {
                return body.get(..at).unwrap_or(body);
            }
        }
        body
    }
}

/// Whether the character may stand in an identifier.
pub(crate) fn is_word(it: char) -> bool {
    it.is_alphanumeric() || it == '_'
}

/// The length of the block comment that begins the text; comments nest.
fn comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|it| !it.is_empty()) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Where the contents of the string that begins the text open and close, and where it ends.
fn string(text: &str, in_word: bool) -> Option<(usize, usize, usize)> {
    let prefix = if in_word {
        0
    } else {
        ["br", "cr", "b", "c", "r"]
            .iter()
            .find(|it| text.starts_with(**it))
            .map_or(0, |it| it.len())
    };
    let is_raw = text.get(..prefix)?.contains('r');
    let rest = text.get(prefix..)?;
    let hashes = if is_raw { rest.bytes().take_while(|it| *it == b'#').count() } else { 0 };
    let open = prefix + hashes + 1;
    rest.get(hashes..)?.strip_prefix('"')?;
    let body = text.get(open..)?;
    let (close, tail) = if is_raw {
        let fence = format!("\"{}", "#".repeat(hashes));
        (body.find(&fence).unwrap_or(body.len()), fence.len())
    } else {
        (unescaped_quote(body), 1)
    };
    Some((open, open + close, (open + close + tail).min(text.len())))
}

fn unescaped_quote(body: &str) -> usize {
    let mut is_escaped = false;
    for (at, it) in body.char_indices() {
        match it {
            '"' if !is_escaped => return at,
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    body.len()
}

/// The length of the character literal that begins the text; a lifetime is none.
fn character(text: &str) -> Option<usize> {
    let body = text.strip_prefix('\'')?;
    let first = body.chars().next()?;
    if first == '\\' {
        return body.get(2..)?.find('\'').map(|it| it + 4);
    }
    body.get(first.len_utf8()..)?.starts_with('\'').then_some(first.len_utf8() + 2)
}
