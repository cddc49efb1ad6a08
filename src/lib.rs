//! Commonwatt.
