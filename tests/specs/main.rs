//! Being written.
fn main() {
    println!("0 scenarios");
}
