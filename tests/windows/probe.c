// A program for the tests: what a command sees of its surroundings, and what only a Windows program can do.

#include <windows.h>
#include <aclapi.h>
#include <sddl.h>
#include <stdio.h>
#include <stdlib.h>
#include <tlhelp32.h>
#include <wchar.h>

static void fail(const char *what) {
    fprintf(stderr, "%s failed with error %lu\n", what, GetLastError());
    exit(9);
}

static void print_utf8(const WCHAR *text) {
    int size = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
    char *bytes = malloc(size);
    WideCharToMultiByte(CP_UTF8, 0, text, -1, bytes, size, NULL, NULL);
    for (char *at = bytes; *at; at++) {
        if (*at == '"' || *at == '\\') printf("\\%c", *at);
        else if ((unsigned char)*at < ' ') printf("\\u%04x", *at);
        else putchar(*at);
    }
    free(bytes);
}

// Texts as a list in JSON.
static void print_list(int count, WCHAR **texts) {
    putchar('[');
    for (int i = 0; i < count; i++) {
        printf(i ? ", \"" : "\"");
        print_utf8(texts[i]);
        putchar('"');
    }
    printf("]\n");
}

static void print_environment(int count, WCHAR **names) {
    for (int i = 0; i < count; i++) {
        WCHAR *value = _wgetenv(names[i]);
        names[i] = value ? value : L"(unset)";
    }
    print_list(count, names);
}

static void print_bytes(const WCHAR *hex) {
    for (; hex[0] && hex[1]; hex += 2) {
        WCHAR digits[3] = {hex[0], hex[1], 0};
        putchar((int)wcstol(digits, NULL, 16));
    }
    fflush(stdout);
}

// Bytes that arrive one after the other.
static void print_slowly(int count, WCHAR **pieces) {
    for (int i = 0; i < count; i++) {
        if (i) Sleep(400);
        print_bytes(pieces[i]);
    }
}

// The handles that this process has inherited: its standard ones by name, others by their kind.
static void print_handles(void) {
    static const DWORD standard[] = {STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE};
    static WCHAR *names[] = {L"stdin", L"stdout", L"stderr"}, *kinds[] = {L"unknown", L"file", L"console", L"pipe or socket"};
    WCHAR *found[1024];
    int count = 0;
    for (UINT_PTR handle = 4; handle < 0x8000 && count < 1024; handle += 4) {
        DWORD flags, kind;
        if (!GetHandleInformation((HANDLE)handle, &flags) || !(flags & HANDLE_FLAG_INHERIT)) continue;
        kind = GetFileType((HANDLE)handle);
        found[count] = kinds[kind < 4 ? kind : 0];
        for (int i = 0; i < 3; i++)
            if (GetStdHandle(standard[i]) == (HANDLE)handle) found[count] = names[i];
        count++;
    }
    print_list(count, found);
}

// The access control list of a file, in the security descriptor definition language.
static void print_access(WCHAR *file) {
    PSECURITY_DESCRIPTOR descriptor;
    WCHAR *text;
    SECURITY_INFORMATION parts = DACL_SECURITY_INFORMATION;
    SetLastError(GetNamedSecurityInfoW(file, SE_FILE_OBJECT, parts, NULL, NULL, NULL, NULL, &descriptor));
    if (GetLastError()) fail("GetNamedSecurityInfo");
    if (!ConvertSecurityDescriptorToStringSecurityDescriptorW(descriptor, SDDL_REVISION_1, parts, &text, NULL)) fail("Convert");
    print_list(1, &text);
}

// Ends the processes of a program at once, and prints how many there were.
static void terminate(const WCHAR *program) {
    HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    int count = 0;
    for (BOOL more = Process32FirstW(all, &entry); more; more = Process32NextW(all, &entry)) {
        if (_wcsicmp(entry.szExeFile, program)) continue;
        HANDLE process = OpenProcess(PROCESS_TERMINATE, FALSE, entry.th32ProcessID);
        if (!process || !TerminateProcess(process, 77)) fail("TerminateProcess");
        count++;
    }
    printf("%d\n", count);
}

static void start_probe(const WCHAR *arguments) {
    WCHAR program[MAX_PATH], line[4096];
    GetModuleFileNameW(NULL, program, MAX_PATH);
    swprintf(line, 4096, L"\"%ls\" %ls", program, arguments);
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION process;
    if (!CreateProcessW(program, line, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &process)) fail("CreateProcess");
}

// Appends to a file for ten minutes, and so do `depth` descendants, each to a file of its own.
static void beat(const WCHAR *file, int depth) {
    WCHAR own[2048], arguments[4096];
    swprintf(own, 2048, L"%ls.%d", file, depth);
    swprintf(arguments, 4096, L"beat \"%ls\" %d", file, depth - 1);
    if (depth > 0) start_probe(arguments);
    for (int i = 0; i < 12000; i++) {
        FILE *out = _wfopen(own, L"ab");
        if (out) {
            putc('.', out);
            fclose(out);
        }
        Sleep(50);
    }
}

// Holds a file open as old programs do: others may read and write it, but not rename it. Ends with its standard input.
static void hold(const WCHAR *file) {
    HANDLE held = CreateFileW(file, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    if (held == INVALID_HANDLE_VALUE) fail("CreateFile");
    puts("held");
    fflush(stdout);
    getchar();
}

// Replaces a text in a file, as somebody does in an editor.
static void replace(const WCHAR *from, const WCHAR *to, const WCHAR *file) {
    static char text[1 << 20], old[256], new[256];
    WideCharToMultiByte(CP_UTF8, 0, from, -1, old, sizeof old, NULL, NULL);
    WideCharToMultiByte(CP_UTF8, 0, to, -1, new, sizeof new, NULL, NULL);
    FILE *in = _wfopen(file, L"rb");
    if (!in) fail("fopen");
    text[fread(text, 1, sizeof text - 1, in)] = 0;
    fclose(in);
    char *at = strstr(text, old);
    if (!at) fail("strstr");
    FILE *out = _wfopen(file, L"wb");
    fwrite(text, 1, at - text, out);
    fputs(new, out);
    fputs(at + strlen(old), out);
    fclose(out);
}

int wmain(int count, WCHAR **words) {
    const WCHAR *what = count > 1 ? words[1] : L"";
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    if (!wcscmp(what, L"arguments")) print_list(count - 2, words + 2);
    else if (!wcscmp(what, L"length")) printf("%d\n", (int)wcslen(GetCommandLineW()));
    else if (!wcscmp(what, L"environment")) print_environment(count - 2, words + 2);
    else if (!wcscmp(what, L"bytes")) print_bytes(words[2]);
    else if (!wcscmp(what, L"pieces")) print_slowly(count - 2, words + 2);
    else if (!wcscmp(what, L"handles")) print_handles();
    else if (!wcscmp(what, L"access")) print_access(words[2]);
    else if (!wcscmp(what, L"terminate")) terminate(words[2]);
    else if (!wcscmp(what, L"exit")) return (int)wcstoul(words[2], NULL, 0);
    else if (!wcscmp(what, L"copy")) for (int c; (c = getchar()) != EOF;) putchar(c);
    else if (!wcscmp(what, L"sleep")) Sleep(_wtoi(words[2]));
    else if (!wcscmp(what, L"beat")) beat(words[2], _wtoi(words[3]));
    else if (!wcscmp(what, L"hold")) hold(words[2]);
    else if (!wcscmp(what, L"replace")) replace(words[2], words[3], words[4]);
    else if (!wcscmp(what, L"folder")) {
        WCHAR folder[4096], *list = folder;
        GetCurrentDirectoryW(4096, folder);
        print_list(1, &list);
    } else return 8;
    return 0;
}
