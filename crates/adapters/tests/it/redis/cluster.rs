//! The suites, the races and the hints once more, over three servers of which each has a third of
//! the slots.

mod programs;
