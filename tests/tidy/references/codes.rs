//! The page of error codes and close codes, from the tables in the code.

use std::fmt::Write as _;

use widgetapp::protocol::{CloseCode, ErrorCode};

/// The page as it should be.
pub(super) fn page() -> String {
    let mut page = String::from(
        "# Codes\n\n\
         This page is made from the program's own tables.\n\n\
         ## Errors\n\n\
         A request that fails is answered with `error: {code, name, message, temporary}`. By HTTP the same `code`, \
         `name` and `temporary` stand in the `application/problem+json` body. A temporary error may go away by \
         itself: try again, after `retry_after_ms` if it is given.\n\n\
         | code | name | temporary | what it means |\n|---|---|---|---|\n",
    );
    for code in ErrorCode::ALL {
        row(&mut page, code.number(), code.name(), yes_or_no(code.temporary()), code.message());
    }
    page += "\n## Close codes\n\n\
             After a code below 4500 a client comes back by itself; from 4500 on it does not, \
             but for 4501, after which it may with a new token.\n\n\
             | code | name | come back | why |\n|---|---|---|---|\n";
    for code in CloseCode::ALL {
        let come_back = match code {
            CloseCode::TokenExpired => "with a new token",
            _ => yes_or_no(CloseCode::reconnect(code.number())),
        };
        row(&mut page, code.number(), code.name(), come_back, code.message());
    }
    page
}

fn yes_or_no(flag: bool) -> &'static str {
    if flag { "yes" } else { "no" }
}

fn row(page: &mut String, number: u16, name: &str, answer: &str, message: &str) {
    writeln!(page, "| {number} | `{name}` | {answer} | {message} |").expect("text takes all text");
}
