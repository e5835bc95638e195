//! Conversion of pickle nodes into a tree of limited size: shared values are copied, and values that contain themselves are refused.

use super::{Data, MAX_VALUES, Node, PickleResult, Sequence};
use crate::i18n::message;

/// Maximum nesting depth.
const MAX_DEPTH: usize = 100;

/// Builds a tree from nodes that may be shared or cyclic.
pub(super) struct Tree<'n> {
    nodes: &'n [Node],
    remaining: usize,
}

impl<'n> Tree<'n> {
    pub fn new(nodes: &'n [Node]) -> Self {
        Self { nodes, remaining: MAX_VALUES }
    }

    pub fn build(&mut self, node: usize, depth: usize) -> PickleResult<Data> {
        self.remaining = self.remaining.checked_sub(1).ok_or_else(|| message!("pickle.too_many", max = MAX_VALUES))?;
        if depth > MAX_DEPTH {
            return Err(message!("pickle.too_deep", max = MAX_DEPTH));
        }
        let nodes = self.nodes;
        match &nodes[node] {
            Node::Plain(data) => Ok(data.clone()),
            Node::Sequence(Sequence::List, items) => self.list(items, depth).map(Data::List),
            Node::Sequence(Sequence::Tuple, items) => self.list(items, depth).map(Data::Tuple),
            Node::Sequence(Sequence::Set, items) => self.list(items, depth).map(Data::Set),
            Node::Dict(items) => self.dict(items, depth).map(Data::Dict),
            Node::Object { callee, args, state, items, members } => {
                let args = match &nodes[*args] {
                    Node::Sequence(_, items) => self.list(items, depth)?,
                    _ => Vec::new(),
                };
                let state = match state {
                    Some(state) => self.build(*state, depth + 1)?,
                    None if !items.is_empty() => Data::Dict(self.dict(items, depth)?),
                    None if !members.is_empty() => Data::List(self.list(members, depth)?),
                    None => Data::None,
                };
                let class = name(&self.build(*callee, depth + 1)?)?;
                Ok(Data::Object { class, args, state: Box::new(state) })
            }
        }
    }

    fn list(&mut self, items: &[usize], depth: usize) -> PickleResult<Vec<Data>> {
        items.iter().map(|item| self.build(*item, depth + 1)).collect()
    }

    fn dict(&mut self, items: &[(usize, usize)], depth: usize) -> PickleResult<Vec<(Data, Data)>> {
        items.iter().map(|(name, value)| Ok((self.build(*name, depth + 1)?, self.build(*value, depth + 1)?))).collect()
    }
}

/// Returns the name of a callee; for `getattr` the name of the object and the attribute.
fn name(callee: &Data) -> PickleResult<String> {
    match callee {
        Data::Global(name) => Ok(name.clone()),
        Data::Object { class, args, .. } => match (class.as_str(), args.as_slice()) {
            ("builtins.getattr" | "__builtin__.getattr", [of, Data::Text(member)]) => Ok(format!("{}.{member}", name(of)?)),
            _ => Err(message!("pickle.callee", class)),
        },
        _ => Err(message!("pickle.malformed")),
    }
}
