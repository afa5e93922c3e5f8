/* Wine 8 has no bcryptprimitives.dll, from which Rust's standard library takes random numbers. Lies beside the programs while they
   are tried under Wine, and is never shipped: Windows has its own. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length)
{
    return SystemFunction036(buffer, (ULONG)length);
}
