//! What a page in a browser tells of itself while somebody works with it.

use std::fmt::Write as _;

use serde_json::Value;

use crate::described;

/// Most lines of the console that are kept.
const MOST_LINES: usize = 200;

/// See the module.
#[derive(Debug, Default)]
pub struct Notes {
    /// What may not happen: errors that nobody has caught, what the page's own policy forbids, and messages of the
    /// server that the guides do not describe.
    pub complaints: Vec<String>,
    /// What a page asked before it was left.
    pub questions: Vec<String>,
    console: Vec<String>,
}

impl Notes {
    /// Takes an event of the DevTools protocol.
    pub fn take(&mut self, event: &str, of: &Value) {
        match event {
            "Runtime.exceptionThrown" => {
                let details = &of["exceptionDetails"];
                let thrown = details["exception"]["description"].as_str().or(details["text"].as_str());
                self.complaints.push(format!("an error that nobody has caught: {}", thrown.unwrap_or_default()));
            }
            "Runtime.consoleAPICalled" => {
                let words = of["args"].as_array().into_iter().flatten();
                let words = words.map(|word| word["value"].as_str().map_or_else(|| word.to_string(), str::to_owned));
                let line = format!("{}: {}", of["type"].as_str().unwrap_or_default(), words.collect::<String>());
                if matches!(of["type"].as_str(), Some("error" | "assert")) {
                    self.complaints.push(line.clone());
                }
                self.write(line);
            }
            "Log.entryAdded" => {
                let entry = &of["entry"];
                let (source, text) = (&entry["source"], entry["text"].as_str().unwrap_or_default());
                // That an address does not answer is no fault of the page.
                if source == "security" || text.contains("Content Security Policy") {
                    self.complaints.push(text.to_owned());
                }
                self.write(format!("{source}: {text} {}", entry["url"].as_str().unwrap_or_default()));
            }
            "Page.javascriptDialogOpening" => {
                self.questions.push(of["type"].as_str().unwrap_or_default().to_owned());
            }
            "Network.webSocketFrameReceived" => {
                let text = of["response"]["payloadData"].as_str().unwrap_or_default();
                let message = serde_json::from_str(text);
                if let Err(complaint) =
                    message.map_err(|error| error.to_string()).and_then(|told| described::told(&told))
                {
                    self.complaints.push(complaint);
                }
            }
            _ => {}
        }
    }

    fn write(&mut self, line: String) {
        if self.console.len() < MOST_LINES {
            self.console.push(line);
        }
    }

    /// For the report of a failure.
    pub fn account(&self) -> String {
        let mut account = String::new();
        for line in self.complaints.iter().chain(&self.console) {
            let _ = writeln!(account, "  {line}");
        }
        account
    }
}
