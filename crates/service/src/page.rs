//! Pages drawn on the server, whole without JavaScript.

pub mod console;
mod form;
pub mod home;
pub mod message;
pub mod plot;
pub mod preferences;
pub mod record;
pub mod why;
