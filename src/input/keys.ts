/**
 * The keys of a keyboard, each listed once: QEMU's name (QKeyCode), the browser's (KeyboardEvent.code), the make code of
 * scan code sets 1 and 3, the USB usage and Linux's event code. All that maps keys derives from this table.
 * Documents: IBM PS/2 Hardware Interface Technical Reference, 1991, "Keyboards (101- and 102-key)"; USB HID Usage Tables
 * 1.12, section 10; W3C UI Events KeyboardEvent code Values; Microsoft, "Keyboard Scan Code Specification", 1.3a.
 */

export interface Key {
  /** QEMU's name. */
  readonly name: string;
  /** `KeyboardEvent.code`; undefined: browsers have no name for it. */
  readonly code: string | undefined;
  /** Make code of scan code set 1; 0xe0 in the upper byte: after the prefix E0h. */
  readonly set1: number;
  /** Make code of scan code set 3; undefined: none. */
  readonly set3: number | undefined;
  /** Usage of the keyboard page (07h); undefined: none. */
  readonly usage: number | undefined;
  /** Linux's KEY_ number. */
  readonly evdev: number;
}

/** name, code, set 1, set 3 and usage (hexadecimal), evdev (decimal); '-': none. */
const TABLE = `
esc              Escape              01    08  29  1
1                Digit1              02    16  1e  2
2                Digit2              03    1e  1f  3
3                Digit3              04    26  20  4
4                Digit4              05    25  21  5
5                Digit5              06    2e  22  6
6                Digit6              07    36  23  7
7                Digit7              08    3d  24  8
8                Digit8              09    3e  25  9
9                Digit9              0a    46  26  10
0                Digit0              0b    45  27  11
minus            Minus               0c    4e  2d  12
equal            Equal               0d    55  2e  13
backspace        Backspace           0e    66  2a  14
tab              Tab                 0f    0d  2b  15
q                KeyQ                10    15  14  16
w                KeyW                11    1d  1a  17
e                KeyE                12    24  08  18
r                KeyR                13    2d  15  19
t                KeyT                14    2c  17  20
y                KeyY                15    35  1c  21
u                KeyU                16    3c  18  22
i                KeyI                17    43  0c  23
o                KeyO                18    44  12  24
p                KeyP                19    4d  13  25
bracket_left     BracketLeft         1a    54  2f  26
bracket_right    BracketRight        1b    5b  30  27
ret              Enter               1c    5a  28  28
ctrl             ControlLeft         1d    11  e0  29
a                KeyA                1e    1c  04  30
s                KeyS                1f    1b  16  31
d                KeyD                20    23  07  32
f                KeyF                21    2b  09  33
g                KeyG                22    34  0a  34
h                KeyH                23    33  0b  35
j                KeyJ                24    3b  0d  36
k                KeyK                25    42  0e  37
l                KeyL                26    4b  0f  38
semicolon        Semicolon           27    4c  33  39
apostrophe       Quote               28    52  34  40
grave_accent     Backquote           29    0e  35  41
shift            ShiftLeft           2a    12  e1  42
backslash        Backslash           2b    5c  31  43
z                KeyZ                2c    1a  1d  44
x                KeyX                2d    22  1b  45
c                KeyC                2e    21  06  46
v                KeyV                2f    2a  19  47
b                KeyB                30    32  05  48
n                KeyN                31    31  11  49
m                KeyM                32    3a  10  50
comma            Comma               33    41  36  51
dot              Period              34    49  37  52
slash            Slash               35    4a  38  53
shift_r          ShiftRight          36    59  e5  54
kp_multiply      NumpadMultiply      37    7e  55  55
alt              AltLeft             38    19  e2  56
spc              Space               39    29  2c  57
caps_lock        CapsLock            3a    14  39  58
f1               F1                  3b    07  3a  59
f2               F2                  3c    0f  3b  60
f3               F3                  3d    17  3c  61
f4               F4                  3e    1f  3d  62
f5               F5                  3f    27  3e  63
f6               F6                  40    2f  3f  64
f7               F7                  41    37  40  65
f8               F8                  42    3f  41  66
f9               F9                  43    47  42  67
f10              F10                 44    4f  43  68
num_lock         NumLock             45    76  53  69
scroll_lock      ScrollLock          46    5f  47  70
kp_7             Numpad7             47    6c  5f  71
kp_8             Numpad8             48    75  60  72
kp_9             Numpad9             49    7d  61  73
kp_subtract      NumpadSubtract      4a    4e  56  74
kp_4             Numpad4             4b    6b  5c  75
kp_5             Numpad5             4c    73  5d  76
kp_6             Numpad6             4d    74  5e  77
kp_add           NumpadAdd           4e    7c  57  78
kp_1             Numpad1             4f    69  59  79
kp_2             Numpad2             50    72  5a  80
kp_3             Numpad3             51    7a  5b  81
kp_0             Numpad0             52    70  62  82
kp_decimal       NumpadDecimal       53    71  63  83
less             IntlBackslash       56    13  64  86
f11              F11                 57    56  44  87
f12              F12                 58    5e  45  88
kp_equals        NumpadEqual         59    -   67  117
kp_enter         NumpadEnter         e01c  79  58  96
ctrl_r           ControlRight        e01d  58  e4  97
kp_divide        NumpadDivide        e035  4a  54  98
print            PrintScreen         e037  57  46  99
alt_r            AltRight            e038  39  e6  100
home             Home                e047  6e  4a  102
up               ArrowUp             e048  63  52  103
pgup             PageUp              e049  6f  4b  104
left             ArrowLeft           e04b  61  50  105
right            ArrowRight          e04d  6a  4f  106
end              End                 e04f  65  4d  107
down             ArrowDown           e050  60  51  108
pgdn             PageDown            e051  6d  4e  109
insert           Insert              e052  67  49  110
delete           Delete              e053  64  4c  111
pause            Pause               e046  62  48  119
meta_l           MetaLeft            e05b  8b  e3  125
meta_r           MetaRight           e05c  8c  e7  126
compose          ContextMenu         e05d  8d  65  127
menu             -                   e01e  91  -   139
ro               IntlRo              73    -   87  89
katakanahiragana KanaMode            70    87  88  93
hiragana         -                   77    87  93  91
henkan           Convert             79    86  8a  92
muhenkan         NonConvert          7b    85  8b  94
yen              IntlYen             7d    5d  89  124
kp_comma         NumpadComma         7e    -   85  121
lang1            Lang1               72    -   90  122
lang2            Lang2               71    -   91  123
power            Power               e05e  -   66  116
sleep            Sleep               e05f  -   -   142
wake             WakeUp              e063  -   -   143
stop             -                   e068  0a  78  128
again            Again               e005  0b  79  129
props            Props               e006  0c  76  130
undo             Undo                e007  10  7a  131
front            -                   e00c  -   77  132
copy             Copy                e078  18  7c  133
open             Open                64    20  74  134
paste            Paste               65    28  7d  135
find             Find                e041  30  7e  136
cut              Cut                 e03c  38  7b  137
help             Help                e075  09  75  138
lf               -                   5b    -   -   101
audionext        MediaTrackNext      e019  93  -   163
audioprev        MediaTrackPrevious  e010  94  -   165
audiostop        MediaStop           e024  98  -   166
audioplay        MediaPlayPause      e022  -   -   164
audiomute        AudioVolumeMute     e020  9c  7f  113
volumeup         AudioVolumeUp       e030  95  80  115
volumedown       AudioVolumeDown     e02e  9d  81  114
mediaselect      MediaSelect         e06d  -   -   226
mail             LaunchMail          e06c  -   -   155
calculator       LaunchApp2          e021  a3  -   140
computer         LaunchApp1          e06b  -   -   157
ac_home          BrowserHome         e032  97  -   172
ac_back          BrowserBack         e06a  -   -   158
ac_forward       BrowserForward      e069  -   -   159
ac_refresh       BrowserRefresh      e067  -   -   173
ac_bookmarks     BrowserFavorites    e066  -   -   156
asterisk         -                   37    7e  55  55
sysrq            -                   e037  57  46  99
`;

const hexOrNone = (text: string): number | undefined => (text === '-' ? undefined : Number.parseInt(text, 16));

function readRow(row: string): Key {
  const [name = '', code = '', set1 = '', set3 = '', usage = '', evdev = ''] = row.split(/\s+/);
  return {
    name,
    code: code === '-' ? undefined : code,
    set1: Number.parseInt(set1, 16),
    set3: hexOrNone(set3),
    usage: hexOrNone(usage),
    evdev: Number(evdev),
  };
}

/** In a fixed order: an index into it may be part of a saved state. Two names of one key come with the usual one first. */
export const keys: readonly Key[] = TABLE.trim().split('\n').map(readRow);

const byName = new Map(keys.map((key) => [key.name, key]));

export const keyByName = (name: string): Key | undefined => byName.get(name);

/** First of several keys with the same value. */
function index<K>(of: (key: Key) => K | undefined): ReadonlyMap<K, Key> {
  const found = new Map<K, Key>();
  for (const key of keys) {
    const value = of(key);
    if (value !== undefined && !found.has(value)) found.set(value, key);
  }
  return found;
}

const byCode = index(({ code }) => code);
const byNumber = index(keyNumberOf);

/** The key that a browser calls so; older browsers' names included. */
export const keyByCode = (code: string): Key | undefined => byCode.get(OLD_CODES[code] ?? code);

const OLD_CODES: Readonly<Record<string, string>> = {
  OSLeft: 'MetaLeft',
  OSRight: 'MetaRight',
  VolumeUp: 'AudioVolumeUp',
  VolumeDown: 'AudioVolumeDown',
  VolumeMute: 'AudioVolumeMute',
};

/** The key of a number as `sendkey 0x1e` has it: set 1, bit 7 for the prefix E0h. */
export const keyByNumber = (number: number): Key | undefined => byNumber.get(number);

function keyNumberOf({ set1 }: Key): number {
  return (set1 & 0x7f) | (set1 > 0xff ? 0x80 : 0);
}
