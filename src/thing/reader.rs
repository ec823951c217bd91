//! Reads the primitives of Yjs' encoding (lib0, version 1). Knows nothing of what they mean.

use super::ThingError;

/// A place in some bytes.
pub(super) struct Reader<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

const CUT: ThingError = ThingError::InvalidUpdate("it ends too early");

impl<'a> Reader<'a> {
    pub(super) fn byte(&mut self) -> Result<u8, ThingError> {
        let byte = *self.bytes.get(self.at).ok_or(CUT)?;
        self.at += 1;
        Ok(byte)
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], ThingError> {
        let rest = self.bytes.get(self.at..).ok_or(CUT)?;
        let taken = rest.get(..len).ok_or(CUT)?;
        self.at += len;
        Ok(taken)
    }

    /// The raw bits of a number of variable length, of which ten bytes are the most that a reader
    /// elsewhere takes without losing bits.
    pub(super) fn varint(&mut self) -> Result<u64, ThingError> {
        let mut number = 0;
        for place in 0..10 {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f).checked_shl(place * 7).unwrap_or(0);
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(ThingError::InvalidUpdate("a number that does not end"))
    }

    /// A clock, a length or a count.
    pub(super) fn number(&mut self) -> Result<u32, ThingError> {
        let start = self.at;
        let number = self.varint()?;
        // Longer spellings of small numbers are read differently by different libraries.
        if self.at - start > 5 {
            return Err(ThingError::InvalidUpdate("a number spelt too long"));
        }
        u32::try_from(number).map_err(|_| ThingError::InvalidUpdate("a number beyond its range"))
    }

    /// A client's id: 53 bits, what JavaScript counts to.
    pub(super) fn client(&mut self) -> Result<u64, ThingError> {
        let start = self.at;
        let client = self.varint()?;
        if client >= 1 << 53 || self.at - start > 8 {
            return Err(ThingError::InvalidUpdate("a client id beyond its range"));
        }
        Ok(client)
    }

    /// Bytes after their length.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], ThingError> {
        let len = self.number()?;
        self.take(usize::try_from(len).map_err(|_| CUT)?)
    }

    /// UTF-8 after its length in bytes.
    pub(super) fn text(&mut self) -> Result<&'a str, ThingError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| ThingError::InvalidUpdate("a text that is not UTF-8"))
    }
}
