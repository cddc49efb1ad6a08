//! Pages as a reader asks for them.
