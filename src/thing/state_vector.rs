//! Reads a stranger's Yjs state vector (version 1). The CRDT library makes room for as many clients as one claims.

use yrs::{ClientID, StateVector};

use super::{ThingError, reader::Reader};

/// The state vector in `bytes`.
///
/// # Errors
/// `InvalidUpdate` if it is none.
pub(super) fn read(bytes: &[u8]) -> Result<StateVector, ThingError> {
    let mut reader = Reader { bytes, at: 0 };
    let mut state_vector = StateVector::default();
    for _ in 0..reader.number()? {
        let client = reader.client()?;
        state_vector.set_max(ClientID::new(client), reader.number()?);
    }
    if reader.at < bytes.len() {
        return Err(ThingError::InvalidUpdate("bytes after the state vector"));
    }
    Ok(state_vector)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use yrs::updates::encoder::Encode as _;

    use super::*;
    use crate::thing::Document;

    proptest! {
        #[test]
        fn what_is_missing_is_told_for_any_state_vector(
            clocks in proptest::collection::hash_map(prop_oneof![Just(7u64), any::<u32>().prop_map(u64::from)], any::<u32>(), 0..5),
            small in 0u32..20,
        ) {
            // A clock may point into the middle of a letter.
            let mut document = Document::new(7);
            document.replace_content(json!({"notes": "🦀a🦀b🦀"}), false).unwrap();
            let mut asked = StateVector::default();
            clocks.into_iter().for_each(|(client, clock)| asked.set_max(ClientID::new(client), clock));
            let _ = document.missing(&asked.encode_v1());
            let mut asked = StateVector::default();
            asked.set_max(ClientID::new(7), small);
            let missing = document.missing(&asked.encode_v1());
            prop_assert!(missing.is_ok());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(read) = read(&bytes) {
                prop_assert_eq!(super::read(&read.encode_v1()).unwrap(), read);
            }
        }
    }

    #[test]
    fn a_count_is_not_believed() {
        assert!(read(&[0xff, 0xff, 0xff, 0xff, 0x0f, 1, 1]).is_err());
        assert!(read(&[0, 0]).is_err());
        assert_eq!(read(&[0]).unwrap(), StateVector::default());
    }
}
