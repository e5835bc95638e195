//! From the values that a pickle names by their place to one tree, within bounds: what is shared stands in it several times, and what
//! lies within itself is refused.

use super::{Data, MOST, Node, Step};

/// Values within one another at most.
const DEEPEST: usize = 100;

/// Makes a tree of what may be shared, or even lie within itself.
pub(super) struct Tree<'n> {
    nodes: &'n [Node],
    left: usize,
}

impl<'n> Tree<'n> {
    pub fn of_all(nodes: &'n [Node]) -> Self {
        Self { nodes, left: MOST }
    }

    pub fn of(&mut self, node: usize, depth: usize) -> Step<Data> {
        self.left = self.left.checked_sub(1).ok_or_else(|| format!("more than {MOST} values"))?;
        if depth > DEEPEST {
            return Err(format!("more than {DEEPEST} values within one another"));
        }
        let nodes = self.nodes;
        match &nodes[node] {
            Node::Plain(data) => Ok(data.clone()),
            Node::List(items) => self.list(items, depth).map(Data::List),
            Node::Dict(items) => self.dict(items, depth).map(Data::Dict),
            Node::Object { callee, args, state, items, members } => {
                let args = match &nodes[*args] {
                    Node::List(items) => self.list(items, depth)?,
                    _ => Vec::new(),
                };
                let state = match state {
                    Some(state) => self.of(*state, depth + 1)?,
                    None if !items.is_empty() => Data::Dict(self.dict(items, depth)?),
                    None if !members.is_empty() => Data::List(self.list(members, depth)?),
                    None => Data::None,
                };
                let class = name(&self.of(*callee, depth + 1)?)?;
                Ok(Data::Object { class, args, state: Box::new(state) })
            }
        }
    }

    fn list(&mut self, items: &[usize], depth: usize) -> Step<Vec<Data>> {
        items.iter().map(|item| self.of(*item, depth + 1)).collect()
    }

    fn dict(&mut self, items: &[(usize, usize)], depth: usize) -> Step<Vec<(Data, Data)>> {
        items.iter().map(|(name, value)| Ok((self.of(*name, depth + 1)?, self.of(*value, depth + 1)?))).collect()
    }
}

/// What is called, by name; a member of something named by both.
fn name(callee: &Data) -> Step<String> {
    match callee {
        Data::Named(name) => Ok(name.clone()),
        Data::Object { class, args, .. } => match (class.as_str(), args.as_slice()) {
            ("builtins.getattr" | "__builtin__.getattr", [of, Data::Text(member)]) => Ok(format!("{}.{member}", name(of)?)),
            _ => Err(format!("what {class} would give is called")),
        },
        _ => Err("something that is no name is called".to_owned()),
    }
}
