// The function of bcryptprimitives.dll that Rust's standard library takes random numbers from, and that Wine 8 does not have.

#include <windows.h>

// advapi32; RtlGenRandom in the documentation.
BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) {
    const ULONG most = 1 << 20;
    while (length > 0) {
        ULONG part = length < most ? (ULONG)length : most;
        if (!SystemFunction036(data, part)) return FALSE;
        data += part;
        length -= part;
    }
    return TRUE;
}
