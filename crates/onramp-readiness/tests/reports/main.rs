//! The reports on findings, format by format, with what a directory can hold of hostile text.

mod csv;
mod data;
mod html;
mod json;
mod junit;
mod markdown;
mod sarif;
