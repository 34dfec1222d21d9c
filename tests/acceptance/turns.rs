//! A turn and its thread: the stored items, the quota, and turns that meet others.

mod branches;
mod endings;
mod history;
mod quota;
mod races;
mod retry;
mod stop;
mod stored_items;
mod titles;
