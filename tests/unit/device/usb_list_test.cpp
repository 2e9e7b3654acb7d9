// USB devices as sysfs lists them: a tree made of folders and small files.
#include <fstream>

#include <gtest/gtest.h>

#include "salvage/device/ports.hpp"
#include "support/files.hpp"

namespace salvage::test {
namespace {

namespace fs = std::filesystem;
using namespace device;

void put(const fs::path& file, std::string_view text)
{
    fs::create_directories(file.parent_path());
    std::ofstream{file} << text << '\n';
}

class UsbList : public ::testing::Test {
protected:
    void add_device(const std::string& port, std::string_view vendor, std::string_view product)
    {
        const auto folder = devices_ / port;
        put(folder / "idVendor", vendor);
        put(folder / "idProduct", product);
        put(folder / "busnum", "1");
        put(folder / "devnum", "7");
    }
    [[nodiscard]] std::vector<UsbDevice> list() const { return list_usb_devices(folder_.path()); }

    TemporaryFolder folder_;
    fs::path devices_{folder_.path() / "bus/usb/devices"};
};

TEST_F(UsbList, NamesAPreloaderAndItsTerminal)
{
    add_device("1-2", "0e8d", "2000");
    fs::create_directories(devices_ / "1-2/1-2:1.0/tty/ttyACM3");
    const auto found = list();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].port, "1-2");
    EXPECT_EQ(found[0].bus, 1U);
    EXPECT_EQ(found[0].address, 7U);
    EXPECT_EQ(found[0].tty, "/dev/ttyACM3");
    EXPECT_EQ(mediatek_role(found[0]), "preloader");
    EXPECT_FALSE(found[0].has_fastboot);
}

TEST_F(UsbList, KnowsFastbootByItsInterfaceNotByItsMaker)
{
    add_device("1-1", "18d1", "4ee0");
    put(devices_ / "1-1/serial", "HT1234");
    put(devices_ / "1-1/1-1:1.0/bInterfaceClass", "ff");
    put(devices_ / "1-1/1-1:1.0/bInterfaceSubClass", "42");
    put(devices_ / "1-1/1-1:1.0/bInterfaceProtocol", "03");
    const auto found = list();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_TRUE(found[0].has_fastboot);
    EXPECT_EQ(found[0].serial, "HT1234");
    EXPECT_EQ(mediatek_role(found[0]), "");
}

TEST_F(UsbList, LeavesOutWhatIsGoingAwayAndWhatIsNoDevice)
{
    add_device("1-1", "0e8d", "0003");
    fs::remove(devices_ / "1-1/devnum"); // the kernel removes files one by one
    add_device("1-3", "0e8d", "zz");
    fs::create_directories(devices_ / "1-0:1.0");
    add_device("1-4", "0e8d", "0003");
    const auto found = list();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].port, "1-4");
    EXPECT_EQ(mediatek_role(found[0]), "BROM");
}

TEST_F(UsbList, DoesNotTakeADevicesChildrenForItsInterfaces)
{
    add_device("1-1", "05e3", "0608");
    put(devices_ / "1-1/1-1.2:1.0/bInterfaceClass", "ff");
    put(devices_ / "1-1/1-1.2:1.0/bInterfaceSubClass", "42");
    put(devices_ / "1-1/1-1.2:1.0/bInterfaceProtocol", "03");
    ASSERT_EQ(list().size(), 1U);
    EXPECT_FALSE(list()[0].has_fastboot);
}

TEST_F(UsbList, IsEmptyWhereThereIsNoUsb)
{
    EXPECT_TRUE(list().empty());
}

TEST(Ports, GiveUpAfterTheStatedPatienceAndSayWhatWasSeen)
{
    const PortChoice choice{.route = PortChoice::Route::tty,
                            .tty = "/nonexistent/ttyACM9",
                            .usb_port = {},
                            .patience = std::chrono::seconds{0}};
    const auto found = wait_for_mediatek(choice, {}, {});
    ASSERT_FALSE(found.has_value());
    EXPECT_EQ(found.error().code, ErrorCode::not_found) << to_string(found.error());
    EXPECT_NE(found.error().why.find("/nonexistent/ttyACM9"), std::string::npos) << found.error().why;
}

TEST(Ports, StopWaitingWhenTold)
{
    std::stop_source source;
    source.request_stop();
    RunContext context;
    context.stop = source.get_token();
    const auto found = wait_for_mediatek({}, {}, context);
    ASSERT_FALSE(found.has_value());
    EXPECT_EQ(found.error().code, ErrorCode::cancelled);
}

} // namespace
} // namespace salvage::test
