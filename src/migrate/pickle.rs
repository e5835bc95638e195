//! Reader of Python pickles (protocols 2 to 5) as data. Nothing is imported, called or instantiated: a class is read as its name, a
//! call as the name of the callee with its arguments. Size, depth and number of values are limited.

mod data;
mod tree;

pub use data::Data;
use tree::Tree;

use crate::i18n::{Message, message};

/// Maximum size of a pickle, in bytes.
const MAX_BYTES: usize = 16 << 20;
/// Maximum number of values; a shared value counts each time it is used.
const MAX_VALUES: usize = 200_000;

/// Reads a pickle.
///
/// # Errors
/// The cause, with the position in bytes.
pub fn read(bytes: &[u8]) -> Result<Data, Message> {
    if bytes.len() > MAX_BYTES {
        return Err(message!("pickle.too_large", max = MAX_BYTES));
    }
    let mut reader = PickleReader { bytes, ..PickleReader::default() };
    let root = loop {
        let at = reader.at;
        match reader.step() {
            Ok(None) => {}
            Ok(Some(root)) => break root,
            Err(problem) => return Err(message!("pickle.at", problem, at)),
        }
    };
    Tree::new(&reader.nodes).build(root, 0)
}

/// A value under construction; it refers to the values inside it by their index in `nodes`.
#[derive(Debug, Clone)]
enum Node {
    Plain(Data),
    Sequence(Sequence, Vec<usize>),
    Dict(Vec<(usize, usize)>),
    /// A call: the callee, its arguments, the state set afterwards, and items and members added afterwards.
    Object {
        callee: usize,
        args: usize,
        state: Option<usize>,
        items: Vec<(usize, usize)>,
        members: Vec<usize>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sequence {
    List,
    Tuple,
    Set,
}

#[derive(Default)]
struct PickleReader<'b> {
    bytes: &'b [u8],
    at: usize,
    nodes: Vec<Node>,
    /// `None` is a mark.
    stack: Vec<Option<usize>>,
    memo: std::collections::HashMap<usize, usize>,
}

type PickleResult<T> = Result<T, Message>;

/// The error of a pickle that Python would not have written.
fn malformed() -> Message {
    message!("pickle.malformed")
}

impl<'b> PickleReader<'b> {
    /// Executes one instruction; returns the root value at the end of the pickle.
    fn step(&mut self) -> PickleResult<Option<usize>> {
        let code = self.take(1)?[0];
        match code {
            b'.' => return self.pop().map(Some),
            0x80 => {
                let protocol = self.take(1)?[0];
                if !(2..=5).contains(&protocol) {
                    return Err(message!("pickle.protocol", protocol));
                }
            }
            0x95 => drop(self.take(8)?),
            b'(' => self.stack.push(None),
            b'0' => drop(self.stack.pop()),
            b'1' => drop(self.pop_to_mark()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(Some(top));
            }
            b'N' => self.plain(Data::None),
            0x88 => self.plain(Data::Bool(true)),
            0x89 => self.plain(Data::Bool(false)),
            b'J' | b'K' | b'M' | 0x8a | 0x8b | b'G' => self.number(code)?,
            b'X' | 0x8c | 0x8d | b'B' | b'C' | 0x8e | 0x96 | b'U' | b'T' => self.text(code)?,
            b']' => self.push(Node::Sequence(Sequence::List, Vec::new())),
            b')' => self.push(Node::Sequence(Sequence::Tuple, Vec::new())),
            0x8f => self.push(Node::Sequence(Sequence::Set, Vec::new())),
            b'}' => self.push(Node::Dict(Vec::new())),
            b't' | b'l' | 0x91 => {
                let items = self.pop_to_mark()?;
                let sequence = match code {
                    b't' => Sequence::Tuple,
                    b'l' => Sequence::List,
                    _ => Sequence::Set,
                };
                self.push(Node::Sequence(sequence, items));
            }
            b'd' => {
                let items = pairs(self.pop_to_mark()?)?;
                self.push(Node::Dict(items));
            }
            0x85..=0x87 => {
                let count = usize::from(code - 0x84);
                let mut items = (0..count).map(|_| self.pop()).collect::<PickleResult<Vec<_>>>()?;
                items.reverse();
                self.push(Node::Sequence(Sequence::Tuple, items));
            }
            b'a' => {
                let item = self.pop()?;
                self.extend(vec![item])?;
            }
            b'e' | 0x90 => {
                let items = self.pop_to_mark()?;
                self.extend(items)?;
            }
            b's' => {
                let (value, name) = (self.pop()?, self.pop()?);
                self.put(vec![(name, value)])?;
            }
            b'u' => {
                let items = pairs(self.pop_to_mark()?)?;
                self.put(items)?;
            }
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.plain(Data::Global(format!("{module}.{name}")));
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let named = format!("{}.{}", self.text_node(module)?, self.text_node(name)?);
                self.plain(Data::Global(named));
            }
            b'R' | 0x81 => self.call()?,
            0x92 => {
                let _by_name = self.pop()?;
                self.call()?;
            }
            b'b' => self.set_state()?,
            b'q' | b'r' | 0x94 | b'h' | b'j' => self.memoize(code)?,
            other => return Err(message!("pickle.instruction", code = format!("0x{other:02x}"))),
        }
        if self.nodes.len() > MAX_VALUES { Err(message!("pickle.too_many", max = MAX_VALUES)) } else { Ok(None) }
    }

    fn take(&mut self, count: usize) -> PickleResult<&'b [u8]> {
        let end =
            self.at.checked_add(count).filter(|end| *end <= self.bytes.len()).ok_or_else(|| message!("pickle.ends_early"))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// Reads a little-endian length of `bytes` bytes.
    fn length(&mut self, bytes: usize) -> PickleResult<usize> {
        let taken = self.take(bytes)?;
        let value = taken.iter().rev().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        usize::try_from(value).map_err(|_| malformed())
    }

    fn line(&mut self) -> PickleResult<String> {
        let end = self.bytes[self.at..].iter().position(|byte| *byte == b'\n').ok_or_else(|| message!("pickle.ends_early"))?;
        let line = self.take(end + 1)?;
        Ok(String::from_utf8_lossy(&line[..end]).into_owned())
    }

    fn push(&mut self, node: Node) {
        self.nodes.push(node);
        self.stack.push(Some(self.nodes.len() - 1));
    }

    fn plain(&mut self, data: Data) {
        self.push(Node::Plain(data));
    }

    fn pop(&mut self) -> PickleResult<usize> {
        self.stack.pop().flatten().ok_or_else(malformed)
    }

    fn top(&self) -> PickleResult<usize> {
        self.stack.last().copied().flatten().ok_or_else(malformed)
    }

    fn pop_to_mark(&mut self) -> PickleResult<Vec<usize>> {
        let mark = self.stack.iter().rposition(Option::is_none).ok_or_else(malformed)?;
        let items = self.stack.split_off(mark);
        Ok(items.into_iter().flatten().collect())
    }

    fn number(&mut self, code: u8) -> PickleResult<()> {
        let count = match code {
            b'K' => 1,
            b'M' => 2,
            b'J' => 4,
            b'G' => 8,
            0x8a => self.length(1)?,
            _ => self.length(4)?,
        };
        let taken = self.take(count)?;
        let data = match code {
            b'G' => Data::Float(f64::from_be_bytes(taken.try_into().map_err(|_| malformed())?)),
            b'K' | b'M' => Data::Int(parse_integer(taken, false)?),
            _ => match taken {
                [rest @ .., 0] if rest.len() == 16 => Data::Big(rest.iter().rev().fold(0, |n, byte| n << 8 | u128::from(*byte))),
                taken => Data::Int(parse_integer(taken, true)?),
            },
        };
        self.plain(data);
        Ok(())
    }

    fn text(&mut self, code: u8) -> PickleResult<()> {
        let length = match code {
            0x8c | b'C' | b'U' => self.length(1)?,
            b'X' | b'B' | b'T' => self.length(4)?,
            _ => self.length(8)?,
        };
        let taken = self.take(length)?;
        let data = match code {
            b'X' | 0x8c | 0x8d => Data::Text(String::from_utf8(taken.to_vec()).map_err(|_| malformed())?),
            _ => Data::Bytes(taken.to_vec()),
        };
        self.plain(data);
        Ok(())
    }

    fn text_node(&self, node: usize) -> PickleResult<&str> {
        match &self.nodes[node] {
            Node::Plain(Data::Text(text)) => Ok(text),
            _ => Err(malformed()),
        }
    }

    fn extend(&mut self, items: Vec<usize>) -> PickleResult<()> {
        let top = self.top()?;
        match &mut self.nodes[top] {
            Node::Sequence(_, list) => list.extend(items),
            Node::Object { members, .. } => members.extend(items),
            _ => return Err(malformed()),
        }
        Ok(())
    }

    fn put(&mut self, pairs: Vec<(usize, usize)>) -> PickleResult<()> {
        let top = self.top()?;
        match &mut self.nodes[top] {
            Node::Dict(items) | Node::Object { items, .. } => items.extend(pairs),
            _ => return Err(malformed()),
        }
        Ok(())
    }

    fn call(&mut self) -> PickleResult<()> {
        let (args, callee) = (self.pop()?, self.pop()?);
        if !matches!(self.nodes[args], Node::Sequence(..)) {
            return Err(malformed());
        }
        self.push(Node::Object { callee, args, state: None, items: Vec::new(), members: Vec::new() });
        Ok(())
    }

    fn set_state(&mut self) -> PickleResult<()> {
        let state_node = self.pop()?;
        let top = self.top()?;
        match &mut self.nodes[top] {
            Node::Object { state, .. } => *state = Some(state_node),
            _ => return Err(malformed()),
        }
        Ok(())
    }

    fn memoize(&mut self, code: u8) -> PickleResult<()> {
        let place = match code {
            0x94 => self.memo.len(),
            b'q' | b'h' => self.length(1)?,
            _ => self.length(4)?,
        };
        if matches!(code, b'h' | b'j') {
            let value = *self.memo.get(&place).ok_or_else(malformed)?;
            self.stack.push(Some(value));
        } else {
            let top = self.top()?;
            self.memo.insert(place, top);
        }
        Ok(())
    }
}

fn pairs(items: Vec<usize>) -> PickleResult<Vec<(usize, usize)>> {
    if !items.len().is_multiple_of(2) {
        return Err(malformed());
    }
    Ok(items.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
}

/// Parses a little-endian integer of at most 16 bytes.
fn parse_integer(bytes: &[u8], signed: bool) -> PickleResult<i128> {
    if bytes.len() > 16 {
        return Err(message!("pickle.number_too_large"));
    }
    let negative = signed && bytes.last().is_some_and(|byte| *byte & 0x80 != 0);
    let filled = std::iter::repeat_n(if negative { 0xff } else { 0 }, 16 - bytes.len());
    let value = filled.chain(bytes.iter().rev().copied()).fold(0_u128, |value, byte| value << 8 | u128::from(byte));
    Ok(value.cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocol_2_values_are_read() {
        // pickle.dumps({'a': [1, -2, 1.5, None, True, 'é', (3,)]}, 2)
        let bytes = b"\x80\x02}q\x00X\x01\x00\x00\x00aq\x01]q\x02(K\x01J\xfe\xff\xff\xffG?\xf8\x00\x00\x00\x00\x00\x00N\x88X\x02\x00\x00\x00\xc3\xa9q\x03K\x03\x85q\x04es.";
        let Data::Dict(items) = read(bytes).unwrap() else { panic!("a dict") };
        let expected = vec![
            Data::Int(1),
            Data::Int(-2),
            Data::Float(1.5),
            Data::None,
            Data::Bool(true),
            Data::Text("é".into()),
            Data::Tuple(vec![Data::Int(3)]),
        ];
        assert_eq!(items, [(Data::Text("a".into()), Data::List(expected))]);
    }

    #[test]
    fn calls_are_read_as_names_and_not_executed() {
        // This pickle runs a command when Python loads it.
        let data = read(b"cos\nsystem\n(X\x04\x00\x00\x00truetR.").unwrap();
        assert_eq!(
            data,
            Data::Object { class: "os.system".into(), args: vec![Data::Text("true".into())], state: Box::new(Data::None) }
        );
    }

    #[test]
    fn malformed_pickles_are_refused() {
        for bytes in [
            &b""[..],
            b".",
            b"\x80\x02",
            b"\x80\x01N.",
            b"a.",
            b"h\x05.",
            b"X\xff\xff\xff\xffa.",
            b"K",
            b"Pid\n.",
            b"\x85.",
            b"NR.",
            b"NNb.",
        ] {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn cyclic_and_oversized_pickles_are_refused() {
        // A list that contains itself.
        assert!(read(b"]q\x00h\x00a.").unwrap_err().to_string().contains("nested"));
        // Each list contains the previous one ten times.
        let mut bomb = b"]q\x00".to_vec();
        for level in 1..20_u8 {
            bomb.extend(b"](");
            for _ in 0..10 {
                bomb.extend([b'h', level - 1]);
            }
            bomb.extend([b'e', b'q', level]);
        }
        bomb.push(b'.');
        assert!(read(&bomb).unwrap_err().to_string().contains("more than 200000 values"));
        assert!(read(&[b"\x80\x02".to_vec(), vec![b']'; 300_000]].concat()).unwrap_err().to_string().contains("more than"));
    }
}
