use crate::protocol::ErrorCode;

/// Why a Thing refused a change, a state or a patch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThingError {
    /// The update or patch is larger than `MAX_EDIT_BYTES`.
    #[error("the edit has {0} bytes, more than allowed")]
    EditTooLarge(usize),
    /// The document would grow beyond `MAX_THING_BYTES`.
    #[error("the Thing would grow larger than allowed")]
    ThingTooLarge,
    /// The bytes are not a Yjs update, or not one that a Thing takes.
    #[error("not an acceptable Yjs update: {0}")]
    InvalidUpdate(&'static str),
    /// The update builds on changes that this document does not have.
    #[error("the update builds on changes that are missing")]
    IncompleteUpdate,
    /// The patch is not RFC 6902, or does not fit the content.
    #[error("the patch does not fit: {0}")]
    InvalidPatch(String),
    /// The content would not have the shape of a Thing.
    #[error("not the content of a Thing: {0}")]
    InvalidContent(&'static str),
    /// A stored state is no document.
    #[error("the stored state cannot be read")]
    BadState,
    /// Applying the update failed half-way; the document is lost.
    #[error("the update broke the document")]
    Broke,
    /// An earlier update broke the document.
    #[error("the document is broken and has to be loaded again")]
    Broken,
}

impl ThingError {
    /// Whether the document is lost with this: throw it away and load it again from the log.
    /// After any other error it is as it was before the call.
    pub fn poisons(&self) -> bool {
        matches!(self, Self::Broke | Self::Broken)
    }

    /// What the sender is told.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::EditTooLarge(_) => ErrorCode::EditTooLarge,
            Self::ThingTooLarge => ErrorCode::ThingTooLarge,
            Self::InvalidUpdate(_) | Self::Broke => ErrorCode::InvalidUpdate,
            Self::IncompleteUpdate => ErrorCode::IncompleteUpdate,
            Self::InvalidPatch(_) | Self::InvalidContent(_) => ErrorCode::InvalidPatch,
            Self::BadState | Self::Broken => ErrorCode::Internal,
        }
    }
}
