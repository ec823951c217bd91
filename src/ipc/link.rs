//! One direction-free stream of messages between two processes: length, then the message (postcard).
//!
//! Writing never waits: messages gather in a buffer with a bound, which is written when the sender
//! says so, as one piece. A link whose other side does not keep up breaks; both sides then meet again
//! over a new link and go on from their offsets, which is the same path as after a crash.

use std::{
    cell::{Cell, RefCell},
    io,
    marker::PhantomData,
    rc::Rc,
};

use bytes::{Buf, BytesMut};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{io::Interest, net::UnixStream, sync::Notify};

/// Bytes that may wait in one link before it counts as broken.
pub const MAX_WAITING_BYTES: usize = 64 * 1024 * 1024;
/// Largest single message.
const MAX_MESSAGE_BYTES: usize = 40 * 1024 * 1024;
/// How much is read at once.
const READ_BYTES: usize = 128 * 1024;
/// An emptied buffer larger than this is given back.
const KEEP_BYTES: usize = 256 * 1024;

/// The writing end of a link. Clones share one buffer.
pub struct Sender<M> {
    shared: Rc<Shared>,
    message: PhantomData<fn(&M)>,
}

impl<M> Clone for Sender<M> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), message: PhantomData }
    }
}

/// The reading end of a link.
pub struct Receiver<M> {
    shared: Rc<Shared>,
    unread: BytesMut,
    message: PhantomData<fn() -> M>,
}

struct Shared {
    socket: UnixStream,
    buffer: RefCell<BytesMut>,
    broken: Cell<bool>,
    /// Set while the socket is full and the writer task waits for it.
    blocked: Cell<bool>,
    /// Set from the first message in the buffer until it is written.
    dirty: Cell<bool>,
    wake: Notify,
}

/// Makes the two ends over one connected socket. Must be called inside a `LocalSet`: a task of its
/// own writes what [`Sender::send`] leaves in the buffer.
///
/// # Errors
/// The socket cannot be registered with the runtime.
pub fn open<Out: Serialize, In: DeserializeOwned>(
    socket: std::os::unix::net::UnixStream,
) -> io::Result<(Sender<Out>, Receiver<In>)> {
    socket.set_nonblocking(true)?;
    let shared = Rc::new(Shared {
        socket: UnixStream::from_std(socket)?,
        buffer: RefCell::default(),
        broken: Cell::new(false),
        blocked: Cell::new(false),
        dirty: Cell::new(false),
        wake: Notify::new(),
    });
    tokio::task::spawn_local(write_when_woken(Rc::downgrade(&shared)));
    let receiver = Receiver { shared: shared.clone(), unread: BytesMut::new(), message: PhantomData };
    Ok((Sender { shared, message: PhantomData }, receiver))
}

impl<M: Serialize> Sender<M> {
    /// Puts a message behind those that wait, to be written when the tasks that can run have run: what
    /// they all send goes out in one piece. A broken link takes it and forgets it; its reader tells.
    pub fn send(&self, message: &M) {
        if self.shared.broken.get() {
            return;
        }
        let mut buffer = self.shared.buffer.borrow_mut();
        let start = buffer.len();
        buffer.extend_from_slice(&[0; 4]);
        let written = postcard::serialize_with_flavor::<_, Append<'_>, ()>(message, Append(&mut buffer));
        let length = buffer.len() - start - 4;
        match (written, u32::try_from(length)) {
            (Ok(()), Ok(header)) if length <= MAX_MESSAGE_BYTES => {
                buffer[start..start + 4].copy_from_slice(&header.to_le_bytes());
            }
            _ => {
                tracing::error!(length, "a message to another process is too large");
                self.shared.broken.set(true);
            }
        }
        if buffer.len() > MAX_WAITING_BYTES {
            tracing::warn!("another process does not keep up; its link is given up");
            self.shared.broken.set(true);
        }
        let broken = self.shared.broken.get();
        drop(buffer);
        if broken {
            self.break_off();
        } else if !self.shared.dirty.replace(true) {
            self.shared.wake.notify_one();
        }
    }

    /// Writes what waits at once, as far as the socket takes it.
    pub fn flush(&self) {
        if self.shared.dirty.get() && !self.shared.blocked.get() {
            self.shared.write();
        }
    }

    /// Whether the link is over.
    pub fn is_over(&self) -> bool {
        self.shared.broken.get()
    }

    /// Whether both write to the same link.
    pub fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.shared, &other.shared)
    }

    /// Bytes that wait to be written.
    pub fn waiting(&self) -> usize {
        self.shared.buffer.borrow().len()
    }

    /// Ends the link; both readers see its end.
    pub fn break_off(&self) {
        self.shared.break_off();
    }
}

impl<M: DeserializeOwned> Receiver<M> {
    /// Waits until something has come and appends all whole messages to `messages`.
    ///
    /// # Errors
    /// The link is over: the other side ended, or sent what is not an `M`.
    pub async fn receive(&mut self, messages: &mut Vec<M>) -> io::Result<()> {
        let before = messages.len();
        while messages.len() == before {
            self.shared.socket.readable().await?;
            self.unread.reserve(READ_BYTES);
            match self.shared.socket.try_read_buf(&mut self.unread) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => self.decode(messages)?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn decode(&mut self, messages: &mut Vec<M>) -> io::Result<()> {
        let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
        while let Some((header, rest)) = self.unread.split_first_chunk::<4>() {
            let length = u32::from_le_bytes(*header) as usize;
            if length > MAX_MESSAGE_BYTES {
                return Err(invalid(format!("a message of {length} bytes")));
            }
            let Some(bytes) = rest.get(..length) else { break };
            messages.push(postcard::from_bytes(bytes).map_err(|error| invalid(error.to_string()))?);
            self.unread.advance(4 + length);
        }
        Ok(())
    }
}

/// A link without its reader is of no use: dropping the reader ends it for both sides.
impl<M> Drop for Receiver<M> {
    fn drop(&mut self) {
        self.shared.break_off();
    }
}

impl Shared {
    fn write(&self) {
        let mut buffer = self.buffer.borrow_mut();
        while !buffer.is_empty() {
            match self.socket.try_write(&buffer) {
                Ok(written) => buffer.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked.set(true);
                    self.wake.notify_one();
                    return;
                }
                Err(_) => {
                    drop(buffer);
                    return self.break_off();
                }
            }
        }
        self.dirty.set(false);
        if buffer.capacity() > KEEP_BYTES {
            *buffer = BytesMut::new();
        } else {
            buffer.clear();
        }
    }

    fn break_off(&self) {
        self.broken.set(true);
        *self.buffer.borrow_mut() = BytesMut::new();
        self.wake.notify_one();
        // Both sides learn of the end by reading it; an error here means that it has ended already.
        let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both);
    }
}

async fn write_when_woken(shared: std::rc::Weak<Shared>) {
    loop {
        let Some(link) = shared.upgrade() else { return };
        if link.broken.get() {
            return;
        }
        if link.blocked.get() {
            let ready = link.socket.ready(Interest::WRITABLE).await;
            link.blocked.set(false);
            if ready.is_err() {
                return link.break_off();
            }
        } else if !link.dirty.get() {
            link.wake.notified().await;
        }
        if link.dirty.get() && !link.broken.get() {
            link.write();
        }
    }
}

/// Lets postcard write to the end of the link's buffer.
struct Append<'a>(&'a mut BytesMut);

impl postcard::ser_flavors::Flavor for Append<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.extend_from_slice(&[byte]);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}
