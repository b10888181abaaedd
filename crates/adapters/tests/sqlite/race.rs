//! Withdrawals racing the send gate.
