//! The reports on findings, format by format, with what a directory can hold of hostile text.

mod baseline;
mod csv;
mod data;
mod diff;
mod html;
mod json;
mod junit;
mod markdown;
mod sarif;
