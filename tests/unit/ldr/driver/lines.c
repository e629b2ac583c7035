/* SPDX-License-Identifier: MIT */
/*
 * A driver whose lines the tests look for: each marked line's number is
 * exported beside the function it is in.
 */
int DriverEntry(void *driver, void *path);
__declspec(dllexport) int LinesFirst(int x);
__declspec(dllexport) int LinesSecond(int x);

__declspec(dllexport) int LinesFirstNumber = __LINE__ + 3;

__declspec(dllexport) __attribute__((noinline)) int LinesFirst(int x)
{
    return x * 3 + 1;
}

__declspec(dllexport) int LinesSecondNumber = __LINE__ + 3;

__declspec(dllexport) __attribute__((noinline)) int LinesSecond(int x)
{
    return LinesFirst(x) ^ x;
}

int DriverEntry(void *driver, void *path)
{
    return LinesSecond(driver == path);
}
