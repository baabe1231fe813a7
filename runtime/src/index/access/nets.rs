//! Networks: a hash table for each prefix length that the rules have.

use hashbrown::HashTable;

use super::texts::hash_of;
use crate::kinds::net::{Cidr, Ip};

/// From an address to the children of the networks that have it.
#[derive(Debug, Default)]
pub(in crate::index) struct Nets {
    /// By prefix length, ascending.
    tables: Vec<(u8, HashTable<(Cidr, u32)>)>,
}

impl Nets {
    /// The child of a network; a new one gets the child that `fresh` gives.
    pub(in crate::index) fn child(&mut self, net: Cidr, fresh: impl FnOnce() -> u32) -> u32 {
        let at = match self
            .tables
            .binary_search_by_key(&net.bits(), |(bits, _)| *bits)
        {
            Ok(at) => at,
            Err(at) => {
                self.tables.insert(at, (net.bits(), HashTable::new()));
                at
            }
        };
        let table = &mut self.tables[at].1;
        if let Some((_, child)) = table.find(hash_of(net), |(n, _)| *n == net) {
            return *child;
        }
        let child = fresh();
        table.insert_unique(hash_of(net), (net, child), |(n, _)| hash_of(*n));
        child
    }

    #[inline]
    pub(super) fn each(&self, ip: Ip, visit: &mut impl FnMut(u32)) {
        for (bits, table) in &self.tables {
            let net = Cidr::new(ip, *bits);
            if let Some((_, child)) = table.find(hash_of(net), |(n, _)| *n == net) {
                visit(*child);
            }
        }
    }

    /// Gives its children other numbers.
    pub(super) fn renumber(&mut self, to: &dyn Fn(u32) -> u32) {
        let entries = self.tables.iter_mut().flat_map(|(_, t)| t.iter_mut());
        entries.for_each(|(_, child)| *child = to(*child));
    }

    pub(super) fn bound(&self, cost: &dyn Fn(u32) -> u64) -> u64 {
        let most = |(_, table): &(u8, HashTable<(Cidr, u32)>)| {
            table
                .iter()
                .map(|(_, child)| cost(*child))
                .max()
                .unwrap_or(0)
        };
        self.tables.iter().map(most).fold(0, u64::saturating_add)
    }

    pub(super) fn steps(&self) -> u64 {
        8 * self.tables.len() as u64
    }

    pub(super) fn heap(&self) -> usize {
        let of = |t: &HashTable<(Cidr, u32)>| t.capacity() * (size_of::<(Cidr, u32)>() + 1);
        self.tables.iter().map(|(_, t)| of(t)).sum()
    }

    pub(super) fn edges(&self, visit: &mut dyn FnMut(String, u32)) {
        for (_, table) in &self.tables {
            let mut nets: Vec<_> = table.iter().copied().collect();
            nets.sort_unstable();
            nets.into_iter()
                .for_each(|(net, child)| visit(net.to_string(), child));
        }
    }
}
