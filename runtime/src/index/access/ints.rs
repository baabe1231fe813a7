//! Integers and variants: equality with values, and ranges.

use super::NONE;

/// From an integer to a child: values and children, sorted. Where values lie close together, `layout.rs` writes an array of the
/// children behind the node instead.
#[derive(Debug)]
pub(in crate::index) struct Points(Box<[(i64, u32)]>);

/// An array of children has at most so many places for each.
const SPARSITY: usize = 8;

impl Points {
    /// Of sorted, distinct values.
    pub(in crate::index) fn new(points: Vec<(i64, u32)>) -> Points {
        Points(points.into())
    }

    /// The children of neighbouring values from the first on, if they lie close enough together; [`NONE`] between them.
    pub(in crate::index) fn array(&self) -> Option<(i64, Vec<u32>)> {
        let (first, _) = self.0.first()?;
        let (last, _) = self.0.last()?;
        let span = last.abs_diff(*first);
        if span >= (SPARSITY * self.0.len()) as u64 {
            return None;
        }
        let mut array = vec![NONE; span as usize + 1];
        for (value, child) in &self.0 {
            array[value.abs_diff(*first) as usize] = *child;
        }
        Some((*first, array))
    }

    #[inline]
    pub(in crate::index) fn find(&self, value: i64) -> Option<u32> {
        let at = self.0.binary_search_by_key(&value, |(v, _)| *v).ok()?;
        Some(self.0[at].1)
    }

    pub(super) fn children(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(|(_, child)| *child)
    }

    /// Gives its children other numbers.
    pub(super) fn renumber(&mut self, to: &dyn Fn(u32) -> u32) {
        self.0.iter_mut().for_each(|(_, c)| *c = to(*c));
    }

    pub(super) fn heap(&self) -> usize {
        size_of_val(&self.0[..])
    }

    pub(super) fn edges(&self, visit: &mut dyn FnMut(String, u32)) {
        for (value, child) in &self.0 {
            visit(value.to_string(), *child);
        }
    }
}

/// From an integer to the children of the ranges it lies in: a segment tree over the ends of the ranges.
///
/// A range is cut into O(log n) pieces that are nodes of the tree; an integer lies in the O(log n) nodes above its leaf.
#[derive(Debug)]
pub(in crate::index) struct Ranges {
    /// Where the elementary intervals begin; each ends where the next begins, the last never.
    starts: Box<[i64]>,
    /// Children by node: the root is 1, the children of `n` are `2 n` and `2 n + 1`, leaves are the last half.
    nodes: Box<[u32]>,
}

impl Ranges {
    /// The tree for ranges with these ends, without children.
    pub(in crate::index) fn new(ranges: impl Iterator<Item = (i64, i64)>) -> Ranges {
        let mut starts = vec![i64::MIN];
        for (lo, hi) in ranges {
            starts.push(lo);
            starts.extend(hi.checked_add(1));
        }
        starts.sort_unstable();
        starts.dedup();
        let leaves = starts.len().next_power_of_two();
        Ranges {
            starts: starts.into(),
            nodes: vec![NONE; 2 * leaves].into(),
        }
    }

    /// Visits the nodes that a range with ends known to `new` is cut into.
    pub(in crate::index) fn cut(&self, (lo, hi): (i64, i64), visit: &mut dyn FnMut(usize)) {
        let leaves = self.nodes.len() / 2;
        let (mut left, mut right) = (leaves + self.leaf(lo), leaves + self.leaf(hi) + 1);
        while left < right {
            if left & 1 == 1 {
                visit(left);
                left += 1;
            }
            if right & 1 == 1 {
                right -= 1;
                visit(right);
            }
            left /= 2;
            right /= 2;
        }
    }

    /// The child of a node, to set.
    pub(in crate::index) fn child(&mut self, node: usize) -> &mut u32 {
        &mut self.nodes[node]
    }

    #[inline]
    fn leaf(&self, value: i64) -> usize {
        self.starts
            .partition_point(|s| *s <= value)
            .saturating_sub(1)
    }

    #[inline]
    pub(super) fn each(&self, value: i64, visit: &mut impl FnMut(u32)) {
        let mut node = self.nodes.len() / 2 + self.leaf(value);
        while node > 0 {
            let child = self.nodes[node];
            if child != NONE {
                visit(child);
            }
            node /= 2;
        }
    }

    /// Gives its children other numbers.
    pub(super) fn renumber(&mut self, to: &dyn Fn(u32) -> u32) {
        let nodes = self.nodes.iter_mut().filter(|c| **c != NONE);
        nodes.for_each(|child| *child = to(*child));
    }

    pub(super) fn bound(&self, cost: &dyn Fn(u32) -> u64) -> u64 {
        let own = |node: usize| match self.nodes[node] {
            NONE => 0,
            child => cost(child),
        };
        let leaves = self.nodes.len() / 2;
        let mut below: Vec<u64> = (0..self.nodes.len()).map(own).collect();
        for node in (1..leaves).rev() {
            let most = below[2 * node].max(below[2 * node + 1]);
            below[node] = below[node].saturating_add(most);
        }
        below.get(1).copied().unwrap_or(0)
    }

    pub(super) fn steps(&self) -> u64 {
        2 * u64::from(self.nodes.len().max(2).ilog2())
    }

    pub(super) fn heap(&self) -> usize {
        self.starts.len() * size_of::<i64>() + self.nodes.len() * size_of::<u32>()
    }

    pub(super) fn edges(&self, visit: &mut dyn FnMut(String, u32)) {
        let leaves = self.nodes.len() / 2;
        let nodes = self.nodes.iter().enumerate().filter(|(_, c)| **c != NONE);
        let ranges = nodes.map(|(node, child)| {
            let width = leaves >> node.ilog2();
            let first = node * width - leaves;
            let lo = self.starts.get(first).copied().unwrap_or(i64::MIN);
            let hi = self.starts.get(first + width).map_or(i64::MAX, |s| s - 1);
            (lo, hi, *child)
        });
        let mut ranges: Vec<(i64, i64, u32)> = ranges.collect();
        ranges.sort_unstable();
        for (lo, hi, child) in ranges {
            let label = match (lo, hi) {
                (i64::MIN, i64::MAX) => "..".into(),
                (i64::MIN, hi) => format!(".. {hi}"),
                (lo, i64::MAX) => format!("{lo} .."),
                (lo, hi) if lo == hi => lo.to_string(),
                (lo, hi) => format!("{lo} .. {hi}"),
            };
            visit(label, child);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_found_wherever_they_lie() {
        for points in [
            vec![(3, 0), (4, 1), (9, 2)],
            vec![(i64::MIN, 0), (0, 1), (i64::MAX, 2)],
        ] {
            let made = Points::new(points.clone());
            for value in [i64::MIN, -1, 0, 2, 3, 4, 5, 9, 10, i64::MAX] {
                let expected = points.iter().find(|(v, _)| *v == value).map(|(_, c)| *c);
                assert_eq!(made.find(value), expected, "{value}");
            }
        }
    }

    #[test]
    fn only_values_that_lie_close_together_make_an_array() {
        let array = |points| Points::new(points).array();
        assert_eq!(array(vec![]), None);
        assert_eq!(array(vec![(i64::MIN, 0), (0, 1), (i64::MAX, 2)]), None);
        assert_eq!(array(vec![(0, 1), (16, 2)]), None);
        assert_eq!(
            array(vec![(0, 1), (15, 2)]).map(|(_, all)| all.len()),
            Some(16)
        );
        let near = array(vec![(-1, 7), (0, 8), (2, 9)]);
        assert_eq!(near, Some((-1, vec![7, 8, NONE, 9])));
        assert_eq!(array(vec![(i64::MAX, 1)]), Some((i64::MAX, vec![1])));
    }

    /// Every value finds exactly the ranges it lies in, each once.
    #[test]
    fn ranges_are_found_once_each() {
        let ranges = [
            (0, 9),
            (5, 5),
            (-3, 20),
            (i64::MIN, 4),
            (10, i64::MAX),
            (i64::MIN, i64::MAX),
        ];
        let mut tree = Ranges::new(ranges.iter().copied());
        let mut at = vec![Vec::new(); tree.nodes.len()];
        for (i, range) in ranges.iter().enumerate() {
            tree.cut(*range, &mut |node| at[node].push(i));
        }
        for (node, of) in at.iter().enumerate() {
            if !of.is_empty() {
                *tree.child(node) = node as u32;
            }
        }
        for value in [i64::MIN, -4, -3, 0, 4, 5, 6, 9, 10, 20, 21, i64::MAX] {
            let mut found: Vec<usize> = Vec::new();
            tree.each(value, &mut |node| found.extend(&at[node as usize]));
            found.sort_unstable();
            let expected =
                (0..ranges.len()).filter(|i| (ranges[*i].0..=ranges[*i].1).contains(&value));
            assert_eq!(found, expected.collect::<Vec<_>>(), "{value}");
        }
    }
}
