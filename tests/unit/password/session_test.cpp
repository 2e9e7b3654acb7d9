// Session files: there and back, damaged at every place, and killed at any moment.
#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <limits>
#include <thread>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "salvage/password/session.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"
#include "unit/password/search_support.hpp"

namespace salvage::password {
namespace {

using salvage::test::fails_with;
using salvage::test::is_ok;
using salvage::test::read_file;
using salvage::test::TemporaryFolder;

SearchState some_state()
{
    return {.target_identity = "footer:0123456789abcdef",
            .keyspace_identity = "pin:4:6:order=1+wordlist:sha256=00",
            .begin = 7,
            .next = 12'345,
            .end = 1'110'000,
            .hits = {{.target = 0, .index = 99}, {.target = 3, .index = 20'000}}};
}

Session session_of(SearchState state)
{
    return {.state = std::move(state), .command = {"crack", "phone.img", "-a", "3", "?d?d%\n"}, .folder = "/tmp/a b"};
}

std::string text_of(const SearchState& state)
{
    return format_session(session_of(state)).unwrap();
}

TEST(Session, ComesBackAsItWasWritten)
{
    EXPECT_EQ(parse_session(as_bytes(text_of(some_state()))).unwrap(), session_of(some_state()));
}

TEST(Session, KeepsTheLargestNumbersAndTheStrangestNames)
{
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    SearchState state{.target_identity = "line\nbreak=%41\r\x7F\xC3\xA4" + std::string(1, '\0'),
                      .keyspace_identity = "",
                      .begin = 0,
                      .next = most,
                      .end = most};
    const auto text = text_of(state);
    EXPECT_EQ(std::ranges::count(text, '\n'), 14);
    EXPECT_EQ(parse_session(as_bytes(text)).unwrap(), session_of(state));
}

// The page docs/formats/session.md shows this file; the checksum is sha256sum's of the lines above it.
TEST(Session, IsTheTextThatItsPageShows)
{
    const SearchState state{
        .target_identity = "footer:a1", .keyspace_identity = "pin:4:4:order=1", .begin = 0, .next = 512, .end = 10'000};
    EXPECT_EQ(format_session({.state = state, .command = {"phone.img", "--pin", "4"}, .folder = "/home/ann"}).unwrap(),
              "salvage-session=2\n"
              "folder=/home/ann\n"
              "argument=phone.img\n"
              "argument=--pin\n"
              "argument=4\n"
              "target=footer:a1\n"
              "keyspace=pin:4:4:order=1\n"
              "begin=0\n"
              "next=512\n"
              "end=10000\n"
              "hits=\n"
              "check=7c5f10b6426830daee241261667a9a2b9fd20fbb224d8d62209bed8b99cc1a2c\n");
}

TEST(Session, WithHitsOutOfOrderOrDoubledIsDamaged)
{
    for (const std::vector<Hit>& hits : {std::vector<Hit>{{.target = 2, .index = 9}, {.target = 1, .index = 9}},
                                         std::vector<Hit>{{.target = 1, .index = 9}, {.target = 1, .index = 10}},
                                         std::vector<Hit>{{.target = max_targets, .index = 9}}}) {
        auto state = some_state();
        state.hits = hits;
        EXPECT_TRUE(fails_with(parse_session(as_bytes(text_of(state))), ErrorCode::malformed));
    }
}

TEST(Session, OfTooManyArgumentsIsRefused)
{
    auto session = session_of(some_state());
    session.command.assign(max_session_arguments + 1, "x");
    EXPECT_TRUE(fails_with(format_session(session), ErrorCode::unsupported));
}

TEST(Session, CutAtAnyLengthIsAnError)
{
    const auto text = text_of(some_state());
    for (std::size_t size = 0; size < text.size(); ++size) {
        const auto parsed = parse_session(as_bytes(std::string_view{text}.substr(0, size)));
        ASSERT_TRUE(fails_with(parsed, ErrorCode::malformed)) << size;
        EXPECT_TRUE(parsed.error().where.has_value()) << size;
    }
}

TEST(Session, WithAnyBitFlippedIsAnError)
{
    const auto text = text_of(some_state());
    for (std::size_t at = 0; at < text.size(); ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            auto damaged = text;
            damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ (1U << bit));
            EXPECT_FALSE(parse_session(as_bytes(damaged)).has_value()) << at << ", bit " << bit;
        }
    }
}

TEST(Session, ThatGoesOnAfterItsEndIsAnError)
{
    EXPECT_TRUE(fails_with(parse_session(as_bytes(text_of(some_state()) + "x")), ErrorCode::malformed));
}

TEST(Session, OfAnotherVersionSaysSo)
{
    EXPECT_TRUE(fails_with(parse_session(as_bytes("salvage-session=1\n")), ErrorCode::unsupported));
}

TEST(Session, WhoseNumbersContradictEachOtherIsAnErrorThoughItsChecksumHolds)
{
    auto state = some_state();
    state.next = state.end + 1;
    EXPECT_TRUE(fails_with(parse_session(as_bytes(text_of(state))), ErrorCode::malformed));
    state = some_state();
    state.begin = state.next + 1;
    EXPECT_TRUE(fails_with(parse_session(as_bytes(text_of(state))), ErrorCode::malformed));
}

TEST(Session, BeyondTheBoundIsRefusedBothWays)
{
    auto state = some_state();
    state.keyspace_identity.assign(max_session_bytes.value, 'x');
    EXPECT_TRUE(fails_with(format_session(session_of(state)), ErrorCode::unsupported));
    EXPECT_TRUE(fails_with(parse_session(Bytes(max_session_bytes.value + 1)), ErrorCode::unsupported));
}

TEST(Session, IsSavedForItsOwnerAloneAndLoadedAgain)
{
    const TemporaryFolder folder;
    const auto path = folder.path() / "a.session";
    ASSERT_TRUE(is_ok(save_session(path, session_of(some_state()))));
    struct stat status{};
    ASSERT_EQ(stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    EXPECT_EQ(load_session(path).unwrap(), session_of(some_state()));
}

TEST(Session, ReplacesTheStateBefore)
{
    const TemporaryFolder folder;
    const auto path = folder.path() / "a.session";
    auto state = some_state();
    for (state.next = 100; state.next < 110; ++state.next) {
        ASSERT_TRUE(is_ok(save_session(path, session_of(state))));
        EXPECT_EQ(load_session(path).unwrap(), session_of(state));
    }
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator{folder.path()}, {}), 1) << "leftovers";
}

TEST(Session, ThatIsNotThereIsNotFound)
{
    const TemporaryFolder folder;
    EXPECT_TRUE(fails_with(load_session(folder.path() / "none"), ErrorCode::not_found));
    EXPECT_TRUE(fails_with(load_session(folder.path()), ErrorCode::io));
    EXPECT_FALSE(save_session(folder.path() / "no" / "such" / "folder", session_of(some_state())).has_value());
}

TEST(Session, NamesTheFileThatIsDamaged)
{
    const TemporaryFolder folder;
    const auto path = folder.write("bad.session", as_bytes("salvage-session=2\nnonsense\n"));
    const auto loaded = load_session(path);
    ASSERT_TRUE(fails_with(loaded, ErrorCode::malformed));
    EXPECT_NE(to_string(loaded.error()).find("bad.session"), std::string::npos) << to_string(loaded.error());
}

TEST(Session, SurvivesAKillAtAnyMoment)
{
    const TemporaryFolder folder;
    const auto path = folder.path() / "a.session";
    auto state = some_state();
    ASSERT_TRUE(is_ok(save_session(path, session_of(state))));
    std::uint64_t last_seen = 0;
    for (unsigned round = 0; round < 20; ++round) {
        const auto child = fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            for (state.next = last_seen;; state.next = state.next + 1 < state.end ? state.next + 1 : state.begin) {
                state.begin = 0;
                ignore(save_session(path, session_of(state)), "the parent looks at the file");
            }
        }
        std::this_thread::sleep_for(std::chrono::microseconds{500U + 700U * round});
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
        const auto loaded = load_session(path);
        ASSERT_TRUE(is_ok(loaded)) << "round " << round;
        last_seen = loaded->state.next;
    }
}

TEST(Session, FitsOnlyTheSearchItIsOf)
{
    const auto pins = make_pins(4, 4).unwrap();
    test::CountingTarget ours{1};
    test::CountingTarget another{1};
    ours.name = "footer:a";
    another.name = "footer:b";
    const std::array<const Target*, 1> one{&ours};
    const std::array<const Target*, 1> other{&another};
    const std::array<const Target*, 2> both{&ours, &another};
    const SearchState state{.target_identity = "footer:a",
                            .keyspace_identity = pins->identity(),
                            .begin = 0,
                            .next = 5,
                            .end = 10'000,
                            .hits = {}};
    EXPECT_TRUE(is_ok(check_session(state, *pins, one)));
    const auto other_target = check_session(state, *pins, other);
    ASSERT_TRUE(fails_with(other_target, ErrorCode::mismatch));
    EXPECT_NE(other_target.error().why.find("footer:a"), std::string::npos);
    EXPECT_NE(other_target.error().why.find("footer:b"), std::string::npos);
    EXPECT_TRUE(fails_with(check_session(state, *pins, both), ErrorCode::mismatch));
    EXPECT_TRUE(fails_with(check_session(state, *make_pins(4, 5).unwrap(), one), ErrorCode::mismatch));
    auto too_far = state;
    too_far.end = 10'001;
    EXPECT_TRUE(fails_with(check_session(too_far, *pins, one), ErrorCode::malformed));
    auto hit_of_none = state;
    hit_of_none.hits = {{.target = 1, .index = 3}};
    EXPECT_TRUE(fails_with(check_session(hit_of_none, *pins, one), ErrorCode::malformed));
    auto hit_outside = state;
    hit_outside.hits = {{.target = 0, .index = 10'000}};
    EXPECT_TRUE(fails_with(check_session(hit_outside, *pins, one), ErrorCode::malformed));
}

} // namespace
} // namespace salvage::password
