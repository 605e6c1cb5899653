"""An exclusive lock on an open file that ends with the process that holds it, however that ends."""

import os
import sys

if sys.platform == "win32":
    import msvcrt

    # Windows locks are mandatory: lock a byte that no segment reaches, so that others may still read.
    _FAR_BYTE = 1 << 40

    def try_lock(descriptor: int) -> bool:
        """Take the lock, or say that somebody has it."""
        os.lseek(descriptor, _FAR_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import errno
    import fcntl

    # NFS, where flock is another kind of lock, says "permission denied" of one that is held.
    _HELD = (errno.EWOULDBLOCK, errno.EACCES)

    def try_lock(descriptor: int) -> bool:
        """Take the lock, or say that somebody has it. Raises OSError where the file system locks nothing."""
        # flock, not lockf: it belongs to this opening of the file, so a second one in the same process conflicts.
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _HELD:
                raise
            return False
        return True
