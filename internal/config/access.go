package config

import (
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// keeping is how closely a file has to be kept. There is one check for every file
// that holds a secret, or that decides whom the server trusts.
type keeping int

const (
	// ownFile and ownFolder belong to the data folder: for the server's user alone.
	ownFile keeping = iota
	ownFolder
	// sharedFile and sharedFolder are the same with HYDRAPIN_DATA_GROUP_ACCESS.
	sharedFile
	sharedFolder
	// secretFile is a secret from elsewhere. Kubernetes mounts those readable for
	// everybody, so that is a warning.
	secretFile
	// publicFile holds no secret, and what it says is trusted.
	publicFile
)

const (
	groupBits = 0o070
	otherBits = 0o007
	writeBits = 0o022
)

// check returns what is wrong with a file's owner and permissions, and what is only
// weak. Both are sentences whose subject is the file.
func (k keeping) check(path string, info fs.FileInfo) (problem, warning string) {
	if uid, ok := owner(info); ok && uid != 0 && uid != os.Geteuid() {
		return fmt.Sprintf("belongs to another user (uid %d), who can change it at any time: run this as that user, or chown %d %s",
			uid, os.Geteuid(), quote(path)), ""
	}
	mode := info.Mode().Perm()
	switch k {
	case ownFile, ownFolder:
		if mode&otherBits != 0 {
			return "is open to other users: " + k.close(path), ""
		}
		if mode&groupBits != 0 {
			return "is open to other users, those of its group: " + k.close(path) +
				"; or, where the platform sets the group's permissions (fsGroup on Kubernetes), set " + nameGroupAccess + "=true", ""
		}
	case sharedFile, sharedFolder:
		if mode&otherBits != 0 {
			return "is open to other users: chmod o= " + quote(path), ""
		}
	case secretFile, publicFile:
		if mode&writeBits != 0 {
			return "can be changed by other users: chmod go-w " + quote(path), ""
		}
		if k == secretFile && mode&otherBits != 0 {
			return "", "can be read by every user of this machine: chmod o= " + quote(path)
		}
	}
	return "", ""
}

// close returns the command that closes a file or folder to others.
func (k keeping) close(path string) string {
	if k == ownFolder {
		return "chmod 700 " + quote(path)
	}
	return "chmod 600 " + quote(path)
}

// checkPath is check for a path. A file that is not there is another check's
// business.
func (k keeping) checkPath(path string) (problem, warning string) {
	info, err := os.Stat(path)
	if err != nil {
		return "", ""
	}
	return k.check(path, info)
}

// owner returns the user that a file belongs to, where the system says so.
func owner(info fs.FileInfo) (uid int, ok bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(strconv.FormatUint(uint64(stat.Uid), 10))
	return n, err == nil
}
