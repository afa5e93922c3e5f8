//! The calls of the system that make, set and read access control lists: the only code of the workspace that needs `unsafe`.
//!
//! Lists are written and read in the system's own text form (SDDL), so that no pointer into a list is ever followed here.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::{Path, PathBuf};
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::{ERROR_SUCCESS, HANDLE, INVALID_HANDLE_VALUE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSecurityDescriptorToStringSecurityDescriptorW, ConvertSidToStringSidW,
    ConvertStringSecurityDescriptorToSecurityDescriptorW, GetSecurityInfo, SDDL_REVISION_1, SE_FILE_OBJECT,
};
use windows_sys::Win32::Security::{
    DACL_SECURITY_INFORMATION, GetTokenInformation, OWNER_SECURITY_INFORMATION,
    PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES, SetKernelObjectSecurity,
    TOKEN_QUERY, TOKEN_USER, TokenUser,
};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, CREATE_NEW, CreateDirectoryW, CreateFileW, FILE_ATTRIBUTE_NORMAL,
    FILE_FLAG_OPEN_REPARSE_POINT, FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE,
    GetFileInformationByHandle,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use crate::sddl;

/// Memory that the system allocated and that is given back to it.
struct Local(*mut c_void);

impl Drop for Local {
    fn drop(&mut self) {
        // SAFETY: the pointer came from a call that says to free it so, and is freed once.
        unsafe { LocalFree(self.0) };
    }
}

/// A security descriptor of the system.
pub(super) struct Descriptor(Local);

impl Descriptor {
    /// The descriptor that gives the user of this process everything and nobody else anything; inherits as the flags say.
    pub(super) fn of_owner(flags: &str) -> io::Result<Self> {
        let user = user()?;
        Self::parse(&format!("O:{user}D:P(A;{flags};FA;;;{user})"))
    }

    fn parse(text: &str) -> io::Result<Self> {
        let wide: Vec<u16> = text.encode_utf16().chain([0]).collect();
        let mut descriptor: PSECURITY_DESCRIPTOR = null_mut();
        // SAFETY: the text ends with a zero, and the result is owned by `Local` from here on.
        let made = unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                wide.as_ptr(),
                SDDL_REVISION_1,
                &mut descriptor,
                null_mut(),
            )
        };
        checked(made)?;
        Ok(Self(Local(descriptor)))
    }

    fn of_file(file: &File) -> io::Result<Self> {
        let mut descriptor: PSECURITY_DESCRIPTOR = null_mut();
        // SAFETY: the handle is open for the length of the call; parts that are not asked for may be null.
        let code = unsafe {
            GetSecurityInfo(
                file.as_raw_handle() as HANDLE,
                SE_FILE_OBJECT,
                OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                &mut descriptor,
            )
        };
        succeeded(code)?;
        Ok(Self(Local(descriptor)))
    }

    fn text(&self) -> io::Result<String> {
        let mut text: *mut u16 = null_mut();
        // SAFETY: the descriptor is valid as long as `self`, and the text is owned by `Local` from here on.
        let made = unsafe {
            ConvertSecurityDescriptorToStringSecurityDescriptorW(
                self.0.0,
                SDDL_REVISION_1,
                OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                &mut text,
                null_mut(),
            )
        };
        checked(made)?;
        let text = Local(text.cast());
        Ok(text_at(&text))
    }

    fn attributes(&self) -> SECURITY_ATTRIBUTES {
        SECURITY_ATTRIBUTES {
            nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).unwrap_or_default(),
            lpSecurityDescriptor: self.0.0,
            bInheritHandle: 0,
        }
    }
}

/// Makes a file with a descriptor; fails if there is one.
pub(super) fn create_file(path: &Path, access: u32, descriptor: &Descriptor) -> io::Result<File> {
    let path = wide(path)?;
    let attributes = descriptor.attributes();
    // SAFETY: the path ends with a zero; path, attributes and descriptor live longer than the call.
    let handle = unsafe {
        CreateFileW(
            path.as_ptr(),
            access,
            FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
            &attributes,
            CREATE_NEW,
            FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OPEN_REPARSE_POINT,
            null_mut(),
        )
    };
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle was just opened and nobody else has it.
    Ok(unsafe { File::from_raw_handle(handle.cast()) })
}

/// Makes a folder with a descriptor; fails if there is one.
pub(super) fn create_folder(path: &Path, descriptor: &Descriptor) -> io::Result<()> {
    let path = wide(path)?;
    // SAFETY: as in `create_file`.
    checked(unsafe { CreateDirectoryW(path.as_ptr(), &descriptor.attributes()) })
}

/// Replaces the list of a file that is open with the right to do so, and cuts it off from what the folder hands down.
pub(super) fn protect(file: &File, descriptor: &Descriptor) -> io::Result<()> {
    // Not SetSecurityInfo, which works out inheritance by itself and, in Wine, adds what the folder hands down after all.
    // SAFETY: the handle is open and the descriptor valid for the length of the call.
    checked(unsafe {
        SetKernelObjectSecurity(
            file.as_raw_handle() as HANDLE,
            DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
            descriptor.0.0,
        )
    })
}

/// Returns true if the list of an open file or folder lets in nobody but its owner and those who can take any file.
pub(super) fn is_private(file: &File) -> io::Result<bool> {
    Ok(sddl::is_private(&Descriptor::of_file(file)?.text()?))
}

/// Returns true if the user of this process, or the administrators among whom it is, own the file.
pub(super) fn is_own(file: &File) -> io::Result<bool> {
    let own = Descriptor::of_owner("")?.text()?;
    Ok(sddl::is_own(&Descriptor::of_file(file)?.text()?, &own))
}

/// The number of names an open file has.
pub(super) fn number_of_names(file: &File) -> io::Result<u64> {
    let mut information = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open, and the structure is of the size the call writes.
    checked(unsafe { GetFileInformationByHandle(file.as_raw_handle() as HANDLE, &mut information) })?;
    Ok(u64::from(information.nNumberOfLinks))
}

/// The security identifier of the user of this process, as text.
fn user() -> io::Result<String> {
    let mut token: HANDLE = null_mut();
    // SAFETY: the pseudo handle of the process needs no closing, and the token is owned from the next line on.
    checked(unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &mut token) })?;
    // SAFETY: the token was just opened and nobody else has it.
    let token = unsafe { OwnedHandle::from_raw_handle(token.cast()) };
    // A TOKEN_USER and the longest identifier behind it take 88 bytes; words of eight, so that it is aligned.
    let mut buffer = [0u64; 32];
    let mut length = 0;
    // SAFETY: the buffer is as long as the call is told.
    checked(unsafe {
        GetTokenInformation(
            token.as_raw_handle() as HANDLE,
            TokenUser,
            buffer.as_mut_ptr().cast(),
            u32::try_from(size_of_val(&buffer)).unwrap_or_default(),
            &mut length,
        )
    })?;
    let mut text: *mut u16 = null_mut();
    // SAFETY: the call before wrote a TOKEN_USER whose identifier lies in the same buffer, which is still there.
    checked(unsafe { ConvertSidToStringSidW((*buffer.as_ptr().cast::<TOKEN_USER>()).User.Sid, &mut text) })?;
    let text = Local(text.cast());
    Ok(text_at(&text))
}

/// The text of the system that ends with a zero.
fn text_at(text: &Local) -> String {
    let start = text.0.cast::<u16>().cast_const();
    let mut units = Vec::new();
    loop {
        // SAFETY: every unit up to the zero belongs to the text.
        match unsafe { start.add(units.len()).read() } {
            0 => return String::from_utf16_lossy(&units),
            unit => units.push(unit),
        }
    }
}

/// A path as the system takes it: UTF-16, ending with a zero, long ones in the form without a limit.
fn wide(path: &Path) -> io::Result<Vec<u16>> {
    // CreateDirectoryW takes 12 characters less than the 260 of a path.
    let path = if path.as_os_str().len() < 200 { path.to_owned() } else { without_limit(path)? };
    let mut units: Vec<u16> = path.as_os_str().encode_wide().collect();
    if units.contains(&0) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a path cannot hold a zero character"));
    }
    units.push(0);
    Ok(units)
}

fn without_limit(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let Some(text) = path.to_str().filter(|text| !text.starts_with(r"\\?\") && !text.starts_with(r"\\.\"))
    else {
        return Ok(path);
    };
    Ok(text
        .strip_prefix(r"\\")
        .map_or_else(|| format!(r"\\?\{text}"), |share| format!(r"\\?\UNC\{share}"))
        .into())
}

fn checked(made: i32) -> io::Result<()> {
    if made == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn succeeded(code: u32) -> io::Result<()> {
    // The codes of the system are its numbers, bit for bit.
    if code == ERROR_SUCCESS { Ok(()) } else { Err(io::Error::from_raw_os_error(code.cast_signed())) }
}
