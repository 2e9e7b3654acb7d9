// Every source and view of the io box, and the deciphering view, under the contract of ByteSource.
#include <array>
#include <fstream>

#include <fmt/format.h>

#include "contract/byte_source_contract.hpp"
#include "salvage/fde/unlock.hpp"
#include "support/files.hpp"

namespace salvage::test {
namespace {

constexpr std::size_t usual_size = 20000; // no multiple of any block

io::SourcePtr must(Result<io::SourcePtr> source)
{
    EXPECT_TRUE(is_ok(source));
    return source.has_value() ? *source : nullptr;
}

/// A view that shows all of `below` from `start` on, as far as it reaches.
ContractCase view_case(std::string name, std::function<io::SourcePtr(io::SourcePtr)> put_on, std::uint64_t start = 0,
                       std::uint64_t size = usual_size)
{
    auto below = contract_bytes(usual_size);
    const ByteView shown = ByteView{below}.subspan(start, size);
    Bytes expected{shown.begin(), shown.end()};
    ContractView view{
        .below = below, .put_on = put_on, .mapped = ByteRange::first(ByteCount{size}), .mapped_to = ByteOffset{start}};
    return {.name = std::move(name),
            .make =
                [below, expected, put_on] {
                    return ContractSubject{
                        .source = put_on(io::make_memory(below, "raw.bin")), .expected = expected, .keep = {}};
                },
            .view = std::move(view)};
}

Bytes joined(std::initializer_list<Bytes> parts)
{
    Bytes out;
    for (const auto& part : parts) {
        out.insert(out.end(), part.begin(), part.end());
    }
    return out;
}

ContractSubject file_with_holes()
{
    auto folder = std::make_shared<TemporaryFolder>();
    constexpr std::size_t hole = 1U << 20U;
    const auto data = contract_bytes(70000);
    const auto path = folder->path() / "holes.bin";
    {
        std::ofstream file{path, std::ios::binary};
        const auto text = as_text(data);
        file.write(text.data(), static_cast<std::streamsize>(text.size()));
        file.seekp(hole, std::ios::cur);
        file.write(text.data(), static_cast<std::streamsize>(text.size()));
    }
    std::filesystem::resize_file(path, 2 * data.size() + 2 * hole);
    return {.source = must(io::open_file(path)),
            .expected = joined({data, Bytes(hole), data, Bytes(hole)}),
            .keep = folder};
}

ContractSubject split_image()
{
    auto folder = std::make_shared<TemporaryFolder>();
    Bytes all;
    // Sizes around the sectors' and pages', and an empty part, which some tools leave at the end.
    for (std::size_t i = 0; const std::size_t size : {1U, 511U, 512U, 513U, 4095U, 4096U, 4097U, 0U}) {
        const auto part = contract_bytes(size, static_cast<unsigned>(++i));
        static_cast<void>(folder->write(fmt::format("dump.{:03}", i), part));
        all = joined({all, part});
    }
    return {.source = must(io::open_any(folder->path() / "dump.001")), .expected = all, .keep = folder};
}

ContractSubject pasted_text()
{
    auto folder = std::make_shared<TemporaryFolder>();
    const auto bytes = joined({contract_bytes(5000), Bytes(4096)});
    const auto text = run_command(fmt::format("hexdump -C '{}'", folder->write("bytes.bin", bytes).string()));
    EXPECT_TRUE(text.has_value()) << "hexdump (bsdextrautils) is missing";
    return {.source = must(io::open_any(folder->write("dump.txt", as_bytes(text.value_or(""))))),
            .expected = bytes,
            .keep = folder};
}

ContractCase memory_case()
{
    return {.name = "Memory",
            .make =
                [] {
                    return ContractSubject{.source = io::make_memory(contract_bytes(usual_size), "memory"),
                                           .expected = contract_bytes(usual_size),
                                           .keep = {}};
                },
            .view = std::nullopt};
}

ContractCase sparse_case()
{
    const auto put_on = [](io::SourcePtr below) { return must(io::make_sparse(std::move(below))); };
    // mixed.simg begins with one raw chunk of a block; its data begins behind both headers.
    return {.name = "Sparse",
            .make =
                [] {
                    return ContractSubject{.source = must(io::open_any(sample("sparse/mixed.simg"))),
                                           .expected = read_file(sample("sparse/mixed.raw")),
                                           .keep = {}};
                },
            .view = ContractView{.below = read_file(sample("sparse/mixed.simg")),
                                 .put_on = put_on,
                                 .mapped = ByteRange::first(ByteCount{1024}),
                                 .mapped_to = ByteOffset{40}}};
}

ContractCase concat_case()
{
    // The second of three parts is what the tests put below.
    const auto front = contract_bytes(513, 11);
    const auto back = contract_bytes(4097, 12);
    auto result = view_case("Concat", [=](io::SourcePtr below) {
        return must(io::make_concat({io::make_memory(front, "front"), std::move(below), io::make_memory({}, "empty"),
                                     io::make_memory(back, "back")},
                                    "joined"));
    });
    result.view->mapped = ByteRange::between(ByteOffset{513}, ByteOffset{513 + usual_size});
    const auto make = result.make;
    result.make = [=] {
        auto subject = make();
        subject.expected = joined({front, subject.expected, back});
        return subject;
    };
    return result;
}

ContractCase gathered_case()
{
    // Three parts of what is below, the last two of them neighbours, and an empty one.
    const auto cut = [](std::uint64_t from, std::uint64_t to) {
        return ByteRange::between(ByteOffset{from}, ByteOffset{to});
    };
    const std::vector parts{cut(777, 9000), cut(10000, 10000), cut(12000, 12513), cut(12513, usual_size)};
    auto result = view_case(
        "Gathered", [=](io::SourcePtr below) { return must(io::make_gathered(std::move(below), parts, "gathered")); });
    result.view->mapped = ByteRange::first(ByteCount{9000 - 777});
    result.view->mapped_to = ByteOffset{777};
    const auto make = result.make;
    result.make = [=] {
        auto subject = make();
        Bytes expected;
        for (const auto& part : parts) {
            const auto bytes = std::span{subject.expected}.subspan(part.start().value, part.size().value);
            expected.insert(expected.end(), bytes.begin(), bytes.end());
        }
        subject.expected = expected;
        return subject;
    };
    return result;
}

ContractCase overlay_case()
{
    auto result = view_case("Overlay", [](io::SourcePtr below) {
        const auto overlay = io::make_overlay(std::move(below), ByteCount{1U << 20U});
        EXPECT_TRUE(is_ok(overlay->write_at(ByteOffset{4090}, Bytes(10, std::byte{0xAB}))));
        EXPECT_TRUE(is_ok(overlay->write_at(ByteOffset{usual_size - 3}, Bytes(3, std::byte{0xCD}))));
        return overlay->view();
    });
    result.view->mapped = ByteRange::between(ByteOffset{8192}, ByteOffset{16384});
    result.view->mapped_to = ByteOffset{8192};
    const auto make = result.make;
    result.make = [=] {
        auto subject = make();
        std::ranges::fill(std::span{subject.expected}.subspan(4090, 10), std::byte{0xAB});
        std::ranges::fill(std::span{subject.expected}.last(3), std::byte{0xCD});
        return subject;
    };
    return result;
}

io::SourcePtr counting(io::SourcePtr below)
{
    static io::ReadCounters counters; // outlives every view
    return io::make_counting(std::move(below), counters);
}

/// The second half is plain, as on a phone whose encryption was interrupted.  Its bytes are not those below, and a bad
/// one takes its sector with it: tests/unit/fde/decrypting_test.cpp asks about that.
ContractSubject deciphered()
{
    const auto key = contract_bytes(16, 7);
    constexpr std::size_t sectors = 40;
    const auto plain = contract_bytes(sectors * 512, 8);
    auto raw = plain;
    const auto cipher = crypto::make_sector_cipher({}, key);
    EXPECT_TRUE(is_ok(cipher));
    (*cipher)->encrypt(SectorIndex{0}, std::span{raw}.first(raw.size() / 2));
    const fde::VolumeSpec volume{
        .cipher = {}, .length = ByteCount{raw.size()}, .encrypted_upto = ByteCount{raw.size() / 2}};
    return {.source = must(fde::make_decrypting(io::make_memory(std::move(raw), "raw.bin"), volume, key)),
            .expected = plain,
            .keep = {}};
}

std::vector<ContractCase> all_cases()
{
    const auto part = ByteRange::between(ByteOffset{777}, ByteOffset{777 + 9001});
    return {
        {.name = "FileWithHoles", .make = file_with_holes, .view = std::nullopt},
        memory_case(),
        {.name = "SplitRaw", .make = split_image, .view = std::nullopt},
        sparse_case(),
        {.name = "Hexdump", .make = pasted_text, .view = std::nullopt},
        {.name = "Decrypting", .make = deciphered, .view = std::nullopt},
        view_case(
            "Subrange", [=](io::SourcePtr below) { return must(io::make_subrange(std::move(below), part, "part")); },
            777, 9001),
        concat_case(),
        gathered_case(),
        view_case("Cached", [](io::SourcePtr below) { return io::make_cached(std::move(below), ByteCount{512}, 3); }),
        view_case("CachedInOddBlocks",
                  [](io::SourcePtr below) { return io::make_cached(std::move(below), ByteCount{1000}, 1); }),
        overlay_case(),
        view_case("BadAreas",
                  [](io::SourcePtr below) {
                      return io::make_with_bad_areas(std::move(below),
                                                     {ByteRange::between(ByteOffset{5}, ByteOffset{5}),
                                                      ByteRange::between(ByteOffset{usual_size}, ByteOffset{~0ULL})});
                  }),
        view_case("Faulty", [](io::SourcePtr below) { return io::make_faulty(std::move(below), 0); }),
        view_case("Counting", counting),
    };
}

INSTANTIATE_TEST_SUITE_P(Io, ByteSourceContract, ::testing::ValuesIn(all_cases()), contract_name);
INSTANTIATE_TEST_SUITE_P(Io, ByteViewContract, ::testing::ValuesIn(views_of(all_cases())), contract_name);

} // namespace
} // namespace salvage::test
