// Hex dumps as hexdump, xxd and od really print them, and as people paste them.
#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "salvage/io/sources.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::io {
namespace {

using test::fails_with;
using test::is_ok;

const std::vector<std::string> tools{"hexdump -C",    "hexdump",          "hexdump -v",       "hexdump -x",
                                     "xxd",           "xxd -a",           "xxd -p",           "xxd -p -c 0",
                                     "xxd -u",        "xxd -g 1",         "xxd -c 32",        "xxd -c 7",
                                     "xxd -g 8",      "xxd -o 0x3bc8000", "od -A x -t x1z",   "od -A x -t x1",
                                     "od -A x -t x2", "od -A n -v -t x1", "od -v -A x -t x1z"};

/// Bytes that are hard on the text column: hex digits, blanks, delimiters, runs of the same row.
Bytes hard_bytes(std::size_t size)
{
    constexpr std::string_view text = "12ab  cd  ef 00 |deadbeef| >face<  *\n\xff\x80";
    Bytes out;
    for (std::size_t i = 0; i < size; ++i) {
        const bool is_run = (i / 64) % 3 == 1;
        out.push_back(is_run ? std::byte{0x20} : static_cast<std::byte>(text[(i * 7 + i / 64) % text.size()]));
    }
    return out;
}

std::string printed(const std::string& tool, const std::filesystem::path& file)
{
    const auto text = test::run_command(fmt::format("{} '{}'", tool, file.string()));
    EXPECT_TRUE(text.has_value()) << tool;
    return text.value_or("");
}

void expect_bytes(std::string_view text, ByteView expected, std::string_view what)
{
    const auto bytes = parse_hexdump(text);
    ASSERT_TRUE(is_ok(bytes)) << what << "\n" << text;
    EXPECT_EQ(to_hex(*bytes), to_hex(expected)) << what << "\n" << text;
}

Bytes bytes_of(std::string_view text)
{
    const auto view = as_bytes(text);
    return {view.begin(), view.end()};
}

TEST(Hexdump, ReadsWhatEveryToolPrintsForEverySize)
{
    const test::TemporaryFolder folder;
    for (const auto& tool : tools) {
        for (const std::size_t size :
             {1U, 2U, 3U, 5U, 7U, 8U, 9U, 15U, 16U, 17U, 31U, 32U, 33U, 47U, 48U, 60U, 64U, 100U, 200U, 300U, 777U}) {
            const auto bytes = hard_bytes(size);
            expect_bytes(printed(tool, folder.write("bytes", bytes)), bytes, fmt::format("{} of {} bytes", tool, size));
        }
    }
}

TEST(Hexdump, ExpandsRepeatedRows)
{
    const test::TemporaryFolder folder;
    for (const auto* tool : {"hexdump -C", "hexdump", "xxd -a", "od -A x -t x1z"}) {
        for (const std::size_t size : {48U, 49U, 50U, 64U, 100U, 4096U, 5001U}) {
            const Bytes zeros(size);
            expect_bytes(printed(tool, folder.write("bytes", zeros)), zeros, fmt::format("{} of {} zeros", tool, size));
        }
    }
}

TEST(Hexdump, ReadsLittleEndianGroupsWhereTheTextColumnProvesThem)
{
    const test::TemporaryFolder folder;
    const auto bytes = bytes_of("The quick brown fox jumps over the lazy dog.....");
    expect_bytes(printed("xxd -e", folder.write("bytes", bytes)), bytes, "xxd -e");
}

TEST(Hexdump, ReadsTheFooterThatTheStoryPrints)
{
    SALVAGE_FOREIGN_OR_SKIP(path, "footer/samsung_sgh-t989d_edk_footer_16k.bin");
    const auto footer = test::read_file(path);
    for (const auto& tool : tools) {
        expect_bytes(printed(tool, path), footer, tool);
    }
    const auto text = printed("hexdump -C", path);
    const auto opened = open_any(test::TemporaryFolder{}.write("unused", {}).parent_path());
    EXPECT_FALSE(opened.has_value());
    const test::TemporaryFolder folder;
    const auto pasted = folder.write("pasted.txt", as_bytes(text));
    const auto kind = container_kind(pasted);
    ASSERT_TRUE(is_ok(kind));
    EXPECT_EQ(*kind, "hexdump");
    const auto source = open_any(pasted);
    ASSERT_TRUE(is_ok(source));
    const auto magic = read_bytes(**source, ByteOffset{0}, ByteCount{4});
    ASSERT_TRUE(is_ok(magic));
    EXPECT_EQ(to_hex(*magic), "c5b1b5d0");
}

TEST(Hexdump, SurvivesHowItWasPasted)
{
    const auto expected = bytes_of("Hello, salvaged world!!\n");
    const std::string dump = "00000000  48 65 6c 6c 6f 2c 20 73  61 6c 76 61 67 65 64 20  |Hello, salvaged |\n"
                             "00000010  77 6f 72 6c 64 21 21 0a                           |world!!.|\n"
                             "00000018\n";
    const auto replaced = [&](std::string_view from, std::string_view to) {
        auto out = dump;
        for (std::size_t at = out.find(from); at != std::string::npos; at = out.find(from, at + to.size())) {
            out.replace(at, from.size(), to);
        }
        return out;
    };
    expect_bytes(dump, expected, "as it is");
    expect_bytes(replaced("\n", "\r\n"), expected, "Windows line ends");
    expect_bytes(replaced("\n", "\n\n"), expected, "empty lines between");
    expect_bytes("    " + replaced("\n", "\n    "), expected, "indented");
    expect_bytes("\t" + dump, expected, "a tab before");
    expect_bytes("$ hexdump -C -n 24 /dev/block/mmcblk0p7\n" + dump, expected, "with the prompt");
    expect_bytes("root@android:/ # dd if=/dev/block/dm-0 | hd\n1+0 records in\n\n" + dump + "root@android:/ #\n",
                 expected, "with prompts around");
    expect_bytes("\xEF\xBB\xBF" + dump, expected, "with a byte order mark");
    expect_bytes(replaced(" ", "\xC2\xA0"), expected, "hard blanks of a web page");
    expect_bytes(replaced("  ", " "), expected, "blanks collapsed");
    expect_bytes(replaced("00000018\n", ""), expected, "without its last line");
    expect_bytes(replaced("00000018\n", "00000018"), expected, "without its last line end");
    expect_bytes(replaced("000000", "03bc80"), expected, "from the middle of a dump");
    std::string wide = "\xFF\xFE";
    for (const auto c : dump) {
        wide += c;
        wide += '\0';
    }
    expect_bytes(wide, expected, "UTF-16 of a Windows shell");
}

TEST(Hexdump, ReadsOtherProgramsRows)
{
    const auto expected = bytes_of("12 ab 34 cd 56 eHello, world");
    expect_bytes("Offset(h) 00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F\n\n"
                 "00000000  31 32 20 61 62 20 33 34 20 63 64 20 35 36 20 65  12 ab 34 cd 56 e\n"
                 "00000010  48 65 6C 6C 6F 2C 20 77 6F 72 6C 64              Hello, world\n",
                 expected, "a hex editor's: its text column looks like digits");
    expect_bytes("31 32 20 61 62 20 33 34 20 63 64 20 35 36 20 65\n48 65 6C 6C 6F 2C 20 77 6F 72 6C 64\n", expected,
                 "bytes alone");
    expect_bytes("44000000: 61203231 34332062 20646320 65203635    12 ab 34 cd 56 e\n", bytes_of("12 ab 34 cd 56 e"),
                 "U-Boot's md.l");
}

TEST(Hexdump, RefusesRowsThatDoNotFitTogether)
{
    const auto row = [](std::string_view offset) {
        return fmt::format("{}  00 11 22 33 44 55 66 77  88 99 aa bb cc dd ee ff  |................|\n", offset);
    };
    const std::vector<std::pair<std::string, std::string>> cases{
        {"a row is missing", row("00000000") + row("00000020")},
        {"offsets go back", row("00000010") + row("00000020") + row("00000000")},
        {"rows overlap", row("00000000") + row("00000008")},
        {"octal offsets", "0000000 00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff\n0000020 00 11\n0000022\n"},
        {"a short row in the middle", "00000000  00 11 22\n" + row("00000010")},
        {"a digit lost",
         "00000000  00 11 2 33 44 55 66 77  88 99 aa bb cc dd ee ff  |................|\n" + row("00000010")},
        {"a digit lost later",
         row("00000000") + "00000010  00 11 2 33 44 55 66 77  88 99 aa bb cc dd ee ff  |................|\n"},
        {"no digit at all",
         row("00000000") + "00000010  00 11 zz 33 44 55 66 77  88 99 aa bb cc dd ee ff  |................|\n"},
        {"the end before the end", row("00000000") + "0000000c\n"},
        {"the end too late", row("00000000") + "00000018\n"},
        {"prose between", row("00000000") + "and then\n" + row("00000010")},
        {"a repeat of part of a row", row("00000000") + "*\n" + row("00000018")},
        {"a repeat at the end", row("00000000") + "*\n"},
        {"more text than bytes", "00000000: 0011 2233  abcdefgh\n"},
        {"no dump", "Dear support,\nmy phone does not start.\n"},
        {"nothing", ""},
        {"an odd number of digits", "c5b1b5d0010000\nc5b\n"},
    };
    for (const auto& [name, text] : cases) {
        const auto result = parse_hexdump(text);
        ASSERT_TRUE(fails_with(result, ErrorCode::malformed)) << name << "\n" << text;
        ASSERT_TRUE(result.error().where.has_value()) << name;
        EXPECT_LE(result.error().where->chain.front().at.value, text.size()) << name;
    }
}

TEST(Hexdump, NamesTheLineThatIsWrong)
{
    const auto result = parse_hexdump("$ xxd f\n00000000: 0011 2233\n00000008: 4455 6677\n");
    ASSERT_TRUE(fails_with(result, ErrorCode::malformed));
    EXPECT_EQ(result.error().where->chain.front().at, ByteOffset{28});
    EXPECT_NE(result.error().why.find("line 3"), std::string::npos) << result.error().why;
    EXPECT_FALSE(result.error().hint.empty());
}

TEST(Hexdump, RefusesRowsOfBits)
{
    const test::TemporaryFolder folder;
    EXPECT_TRUE(
        fails_with(parse_hexdump(printed("xxd -b", folder.write("bytes", hard_bytes(40)))), ErrorCode::unsupported));
}

TEST(Hexdump, DoesNotLetOneStarAskForAllMemory)
{
    EXPECT_TRUE(fails_with(parse_hexdump("00000000  00 11\n*\nfffffffffffffffe\n"), ErrorCode::unsupported));
    EXPECT_TRUE(fails_with(parse_hexdump("00000000  00 11\n*\n04000002\n"), ErrorCode::unsupported));
    const auto largest = parse_hexdump("00000000  00 11\n*\n04000000\n");
    ASSERT_TRUE(is_ok(largest));
    EXPECT_EQ(largest->size(), 64U << 20U);
}

TEST(Hexdump, IsRecognisedInEveryForm)
{
    const test::TemporaryFolder folder;
    for (const auto& tool : tools) {
        const auto text = printed(tool, folder.write("bytes", hard_bytes(777)));
        EXPECT_TRUE(looks_like_hexdump(text)) << tool << "\n" << text;
        EXPECT_TRUE(looks_like_hexdump("root@android:/ # dump\n" + text) || tool == "xxd -p" || tool == "xxd -p -c 0" ||
                    tool.starts_with("od -A n"))
            << tool;
        EXPECT_TRUE(looks_like_hexdump(std::string_view{text}.substr(0, 1000))) << tool << ", cut off";
    }
}

TEST(Hexdump, IsNotSeenInOtherFiles)
{
    for (const std::string_view text :
         {"", "\n\n\n", "hello\n", "123456\n123457\n123458\n", "cafe babe\n",
          "- partition_index: SYS0\n  partition_name: preloader\n", "d41d8cd98f00b204e9800998ecf8427e  empty.bin\n",
          "PMT 0x3bc8000\n", "$fde$16$ca56e82e$16$\n"}) {
        EXPECT_FALSE(looks_like_hexdump(text)) << text;
    }
    EXPECT_FALSE(looks_like_hexdump(std::string_view{"00000000  00 11 22 33\n\0\n", 24})) << "binary";
    for (const auto* name :
         {"scatter", "scatter_legacy", "scatter_xml", "fstab", "gpt", "fs", "sparse", "hashes", "logs"}) {
        const auto folder = test::foreign(name);
        if (!folder) {
            continue;
        }
        for (const auto& entry : std::filesystem::directory_iterator{*folder}) {
            const auto bytes = test::read_file(entry.path());
            const auto head = ByteView{bytes}.first(std::min<std::size_t>(bytes.size(), 16384));
            EXPECT_FALSE(looks_like_hexdump(as_text(head))) << entry.path();
        }
    }
}

TEST(Hexdump, EndsInAValueOrAnErrorHoweverItIsDamaged)
{
    const test::TemporaryFolder folder;
    for (const auto* tool : {"hexdump -C", "hexdump", "xxd", "xxd -p", "od -A x -t x1z"}) {
        const auto text = printed(tool, folder.write("bytes", hard_bytes(150)));
        for (std::size_t cut = 0; cut < text.size(); ++cut) {
            const auto result = parse_hexdump(std::string_view{text}.substr(0, cut));
            EXPECT_TRUE(result.has_value() || !result.error().what.empty());
        }
        for (std::size_t at = 0; at < text.size(); ++at) {
            for (const char c : {'\0', ' ', '\n', '*', 'g', '0', ':', '|'}) {
                auto changed = text;
                changed[at] = c;
                const auto result = parse_hexdump(changed);
                EXPECT_TRUE(result.has_value() || !result.error().what.empty());
            }
        }
    }
}

} // namespace
} // namespace salvage::io
