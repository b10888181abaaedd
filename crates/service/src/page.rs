//! Pages drawn on the server, whole without JavaScript.

pub mod confirm;
pub mod console;
mod form;
mod history;
pub mod home;
pub mod log;
pub mod message;
pub mod plot;
pub mod preferences;
pub mod record;
pub mod sandbox;
pub mod why;
