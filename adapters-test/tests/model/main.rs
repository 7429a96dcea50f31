//! A model checker for the core: it takes the real step functions of manager and guards through
//! all that can happen in small worlds.

mod actions;
mod check;
mod fence;
mod isolates;
mod kept;
mod manager;
mod monitor;
mod mutants;
mod names;
mod notes;
mod oracle;
mod promises;
mod runs;
mod scene;
mod scenes;
mod steps;
mod story;
mod world;
