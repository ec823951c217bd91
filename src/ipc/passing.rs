//! Messages that carry open sockets: one packet, whole or not at all (SOCK_SEQPACKET, SCM_RIGHTS).

use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    rc::Rc,
};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use serde::{Serialize, de::DeserializeOwned};
use tokio_seqpacket::{
    UnixSeqpacket,
    ancillary::{AncillaryMessageWriter, OwnedAncillaryMessage},
};

/// Largest packet. It must fit the kernel's default socket buffer of 208 KiB.
pub const MAX_PACKET_BYTES: usize = 160 * 1024;
/// Room for the control message that carries the descriptors (some 50 of them).
const ANCILLARY_BYTES: usize = 256;

/// Sends `message` together with `sockets`. The caller's own copies stay open.
///
/// # Errors
/// The other side is gone, or the message is larger than [`MAX_PACKET_BYTES`].
pub async fn send<M: Serialize, S: AsFd>(channel: &UnixSeqpacket, message: &M, sockets: &[S]) -> io::Result<()> {
    let bytes = postcard::to_stdvec(message).map_err(io::Error::other)?;
    if bytes.len() > MAX_PACKET_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the packet is larger than a socket takes at once"));
    }
    let mut room = [0; ANCILLARY_BYTES];
    let mut ancillary = AncillaryMessageWriter::new(&mut room);
    if !sockets.is_empty() {
        ancillary
            .add_fds(sockets.iter().map(AsFd::as_fd))
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "too many sockets for one packet"))?;
    }
    channel.send_with_ancillary(&bytes, &mut ancillary).await.map(drop)
}

/// Most descriptors that [`send_now`] takes.
pub const MAX_SENT_NOW: usize = 50;

/// The same without waiting, for a channel that nobody reads yet.
///
/// # Errors
/// The channel has no room for it.
pub fn send_now<M: Serialize>(channel: impl AsFd, message: &M, sockets: &[BorrowedFd<'_>]) -> io::Result<()> {
    let bytes = postcard::to_stdvec(message).map_err(io::Error::other)?;
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_SENT_NOW))];
    let mut ancillary = SendAncillaryBuffer::new(&mut room);
    if bytes.len() > MAX_PACKET_BYTES || !ancillary.push(SendAncillaryMessage::ScmRights(sockets)) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the packet is larger than a socket takes at once"));
    }
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    rustix::net::sendmsg(channel, &[IoSlice::new(&bytes)], &mut ancillary, flags)?;
    Ok(())
}

/// The receiving side of a channel.
#[derive(Debug)]
pub struct Receiver {
    channel: Rc<UnixSeqpacket>,
    buffer: Vec<u8>,
}

impl Receiver {
    /// Reads from this channel.
    pub fn new(channel: Rc<UnixSeqpacket>) -> Self {
        Self { channel, buffer: vec![0; MAX_PACKET_BYTES] }
    }

    /// The next message and its sockets (closed on exec); `None` when the other side is gone. A process that
    /// has no descriptors left gets fewer sockets than were sent, or none.
    ///
    /// # Errors
    /// The channel broke, or what came is not an `M` or was cut short.
    pub async fn receive<M: DeserializeOwned>(&mut self) -> io::Result<Option<(M, Vec<OwnedFd>)>> {
        match self.receive_once().await {
            // It went without reading all that it was sent. That is told once, before its own last words.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => self.receive_once().await,
            received => received,
        }
    }

    async fn receive_once<M: DeserializeOwned>(&mut self) -> io::Result<Option<(M, Vec<OwnedFd>)>> {
        let mut room = [0; ANCILLARY_BYTES];
        let (info, ancillary) = self.channel.recv_with_ancillary(&mut self.buffer, &mut room).await?;
        let mut sockets = Vec::new();
        for message in ancillary.into_messages() {
            if let OwnedAncillaryMessage::FileDescriptors(descriptors) = message {
                sockets.extend(descriptors);
            }
        }
        let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
        match info.bytes_read() {
            0 => Ok(None),
            _ if info.truncated() => Err(invalid("a packet was cut short".into())),
            // Sockets may be missing: those for which this process had no descriptors left.
            read => {
                let message = postcard::from_bytes(&self.buffer[..read]).map_err(|error| invalid(error.to_string()))?;
                Ok(Some((message, sockets)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    #[tokio::test]
    async fn the_last_words_of_one_who_did_not_listen_are_heard() {
        let (here, there) = UnixSeqpacket::pair().unwrap();
        send::<_, OwnedFd>(&here, &"unheard", &[]).await.unwrap();
        for word in ["last", "words"] {
            send::<_, OwnedFd>(&there, &word, &[]).await.unwrap();
        }
        drop(there);
        let mut receiver = Receiver::new(Rc::new(here));
        let mut heard = Vec::new();
        while let Some((word, _)) = receiver.receive::<String>().await.unwrap() {
            heard.push(word);
        }
        assert_eq!(heard, ["last", "words"]);
    }

    #[tokio::test]
    async fn a_socket_arrives_with_its_message_and_works() {
        let (here, there) = UnixSeqpacket::pair().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();

        send(&here, &("hello".to_string(), 7u8), &[&accepted]).await.unwrap();
        drop(accepted);
        let ((text, number), mut sockets) =
            Receiver::new(there.into()).receive::<(String, u8)>().await.unwrap().unwrap();

        assert_eq!((text.as_str(), number, sockets.len()), ("hello", 7, 1));
        TcpStream::from(sockets.remove(0)).write_all(b"x").unwrap();
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"x");
    }

    #[tokio::test]
    async fn the_end_of_the_other_side_is_told() {
        let (here, there) = UnixSeqpacket::pair().unwrap();
        drop(here);
        assert!(Receiver::new(there.into()).receive::<u8>().await.unwrap().is_none());
        let (here, there) = UnixSeqpacket::pair().unwrap();
        send::<_, OwnedFd>(&there, &1u8, &[]).await.unwrap();
        drop(here);
        let end = Receiver::new(there.into()).receive::<u8>().await;
        assert!(end.unwrap().is_none(), "also if it has not read everything");
    }
}
